#include "src/daemon/build_record.h"

#include "gmock/gmock.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

RecordedUnit UnitOf(const std::string& manifest, const std::string& action) {
  return {DigestOf(manifest), DigestOf(action)};
}

TEST(BuildRecord, UnitsKeepTheirPlaceAndGetTheirNewAction) {
  BuildRecord record;
  EXPECT_TRUE(Update(record, {UnitOf("a", "1"), UnitOf("b", "1")}, 100));
  EXPECT_TRUE(Update(record, {UnitOf("c", "1"), UnitOf("a", "2")}, 101));
  EXPECT_EQ(UnitsIn(record), (std::vector<RecordedUnit>{UnitOf("a", "2"), UnitOf("b", "1"), UnitOf("c", "1")}));
}

TEST(BuildRecord, TheSameBuildAgainIsNothingToWrite) {
  BuildRecord record;
  const std::vector<RecordedUnit> used = {UnitOf("a", "1"), UnitOf("b", "1")};
  ASSERT_TRUE(Update(record, used, 100));
  EXPECT_FALSE(Update(record, used, 100));
  EXPECT_FALSE(Update(record, used, 106));
  EXPECT_TRUE(Update(record, used, 107)) << "the days are renewed once a week";
}

TEST(BuildRecord, WhatNobodyUsesGoes) {
  BuildRecord record;
  Update(record, {UnitOf("a", "1"), UnitOf("b", "1")}, 100);
  Update(record, {UnitOf("b", "1")}, 120);
  EXPECT_TRUE(Update(record, {}, 100 + kRecordedDaysMax + 1));
  EXPECT_EQ(UnitsIn(record), (std::vector<RecordedUnit>{UnitOf("b", "1")}));
}

TEST(BuildRecord, DaysThatCannotBeAreOfNoUse) {
  for (const std::int32_t day : {INT32_MIN, -1, 102, INT32_MAX}) {
    BuildRecord record;
    Update(record, {UnitOf("a", "1"), UnitOf("b", "1")}, 100);
    for (auto& unit : *record.mutable_units()) unit.set_used_day(day);
    EXPECT_TRUE(Update(record, {UnitOf("a", "1")}, 100)) << day;
    EXPECT_EQ(UnitsIn(record), (std::vector<RecordedUnit>{UnitOf("a", "1")})) << day;
    EXPECT_EQ(record.units(0).used_day(), 100);
  }
}

TEST(BuildRecord, HasALimit) {
  BuildRecord record;
  std::vector<RecordedUnit> used;
  for (int i = 0; i < kRecordedUnitsMax + 5; ++i) used.push_back(UnitOf(std::to_string(i), "1"));
  Update(record, used, 100);
  const std::vector<RecordedUnit> units = UnitsIn(record);
  EXPECT_EQ(units.size(), static_cast<std::size_t>(kRecordedUnitsMax));
  EXPECT_EQ(units.back(), used.back());
}

TEST(BuildRecord, TravelsAsAResultAndNonsenseIsEmpty) {
  BuildRecord record;
  Update(record, {UnitOf("a", "1")}, 100);
  EXPECT_EQ(UnitsIn(RecordIn(EntryOf(record))), UnitsIn(record));
  ActionCache::ActionResult nonsense;
  nonsense.set_stdout_raw("\xff\xff nonsense");
  EXPECT_TRUE(UnitsIn(RecordIn(nonsense)).empty());
  record.mutable_units(0)->mutable_action()->set_hash("short");
  EXPECT_TRUE(UnitsIn(record).empty());
}

}  // namespace
}  // namespace smelt
