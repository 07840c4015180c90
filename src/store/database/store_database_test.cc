#include "src/store/database/store_database.h"

#include <filesystem>

#include "src/store/database/rocksdb_status.h"
#include "src/testing/damage.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class TestDatabase : public StoreDatabase {
 public:
  enum : Family { kFirst, kSecond };

  TestDatabase(const std::string& directory, FileSystem& files, Clock& clock)
      : StoreDatabase(directory, {.families = {{"default", {}}, {"second", {}}}}, files, clock) {}
  using StoreDatabase::Open;
};

class StoreDatabaseTest : public testing::Test {
 protected:
  absl::Status Open() {
    database_.reset();
    database_.emplace(directory_, files_, clock_);
    return database_->Open();
  }

  absl::Status Put(std::string_view key, std::string_view value) {
    StoreDatabase::Batch batch(*database_);
    batch.Put(TestDatabase::kFirst, key, value);
    return database_->Write(batch, StoreDatabase::Durability::kProcess);
  }

  std::string Get(StoreDatabase::Family family, std::string_view key) {
    const auto value = database_->Get(family, key);
    EXPECT_OK(value);
    return value.ok() ? value->value_or("nothing") : "an error";
  }

  std::vector<std::string> Keys(std::string_view from, std::string_view to,
                                const StoreDatabase::Snapshot* snapshot = nullptr) {
    std::vector<std::string> keys;
    EXPECT_OK(database_->ForEach(
        TestDatabase::kFirst, from, to,
        [&](std::string_view key, std::string_view) {
          keys.emplace_back(key);
          return true;
        },
        snapshot));
    return keys;
  }

  // Names beside the database.
  std::vector<std::string> Beside() {
    auto names = files_.List(dir_.path()).value_or(std::vector<std::string>());
    std::erase(names, "db");
    return names;
  }

  // The file that opening reads first.
  void Destroy() {
    database_.reset();
    ASSERT_OK(files_.Remove(directory_ + "/CURRENT"));
    ASSERT_OK(files_.WriteNewFile(directory_ + "/CURRENT", "nonsense", 0600));
  }

  TempDir dir_;
  const std::string directory_ = dir_ / "db";
  FakeClock clock_;
  FaultyFileSystem files_;
  std::optional<TestDatabase> database_;
};

TEST_F(StoreDatabaseTest, KeepsABatchInEachOfItsFamilies) {
  ASSERT_OK(Open());
  StoreDatabase::Batch batch(*database_);
  EXPECT_TRUE(batch.empty());
  batch.Put(TestDatabase::kFirst, "key", "first");
  batch.Put(TestDatabase::kSecond, "key", "second");
  ASSERT_OK(database_->Write(batch, StoreDatabase::Durability::kMachine));
  ASSERT_OK(Open());
  EXPECT_EQ(Get(TestDatabase::kFirst, "key"), "first");
  EXPECT_EQ(Get(TestDatabase::kSecond, "key"), "second");
  EXPECT_EQ(Get(TestDatabase::kFirst, "other"), "nothing");
}

TEST_F(StoreDatabaseTest, VisitsARangeAsOfNowOrAsOfASnapshot) {
  ASSERT_OK(Open());
  for (const char* key : {"a", "b", "c"}) ASSERT_OK(Put(key, ""));
  const StoreDatabase::Snapshot snapshot(*database_);
  ASSERT_OK(Put("bb", ""));
  EXPECT_THAT(Keys("b", "c"), ElementsAre("b", "bb"));
  EXPECT_THAT(Keys("b", "", &snapshot), ElementsAre("b", "c"));
}

TEST_F(StoreDatabaseTest, OneThatCannotBeReadIsSetAsideAndAnEmptyOneBegun) {
  ASSERT_OK(Open());
  ASSERT_OK(Put("key", "value"));
  Destroy();
  ASSERT_OK(Open());
  EXPECT_EQ(Get(TestDatabase::kFirst, "key"), "nothing");
  EXPECT_OK(Put("key", "value"));
  EXPECT_THAT(Beside(), ElementsAre(StartsWith("db.broken-")));
}

TEST_F(StoreDatabaseTest, OnlyTheLastThatWasSetAsideIsKept) {
  for (int time = 0; time < 3; ++time) {
    ASSERT_OK(Open());
    Destroy();
    clock_.AdvanceSeconds(1);
  }
  ASSERT_OK(Open());
  EXPECT_THAT(Beside(), SizeIs(1));
}

TEST_F(StoreDatabaseTest, OneThatWasFoundCorruptIsSetAsideWhenItIsNextOpened) {
  ASSERT_OK(Open());
  ASSERT_OK(Put("key", "value"));
  SetAside(directory_, files_, clock_).Mark("by this test");
  ASSERT_OK(Open());
  EXPECT_EQ(Get(TestDatabase::kFirst, "key"), "nothing");
  EXPECT_THAT(Beside(), ElementsAre(StartsWith("db.broken-")));
  ASSERT_OK(Put("key", "value"));
  ASSERT_OK(Open());
  EXPECT_EQ(Get(TestDatabase::kFirst, "key"), "value");
}

TEST_F(StoreDatabaseTest, AfterACompactionMetCorruptionItTakesNoWritesUntilItIsMended) {
  ASSERT_OK(Open());
  ASSERT_OK(Put("key", "value"));
  ASSERT_OK(database_->CompactAllForTest());
  EXPECT_FALSE(database_->broken());
  OverwriteAll(directory_, ".sst");
  EXPECT_FALSE(database_->CompactAllForTest().ok());
  EXPECT_TRUE(database_->broken());
  EXPECT_FALSE(Put("key", "value").ok());
  EXPECT_THAT(database_->Mend(), IsOkAndHolds(true));
  EXPECT_FALSE(database_->broken());
  EXPECT_EQ(Get(TestDatabase::kFirst, "key"), "nothing");
  EXPECT_OK(Put("key", "value"));
  EXPECT_THAT(Beside(), ElementsAre(StartsWith("db.broken-")));
}

TEST_F(StoreDatabaseTest, OneThatIsMendedWithoutNeedHasLostNothing) {
  ASSERT_OK(Open());
  ASSERT_OK(Put("key", "value"));
  EXPECT_THAT(database_->Mend(), IsOkAndHolds(false));
  EXPECT_EQ(Get(TestDatabase::kFirst, "key"), "value");
}

TEST_F(StoreDatabaseTest, WhileItCannotBeMendedNothingIsThereAndNothingIsTaken) {
  ASSERT_OK(Open());
  SetAside(directory_, files_, clock_).Mark("by this test");
  files_.Inject({.call = FaultyFileSystem::Call::kRename, .status = absl::InternalError("injected")});
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInternal));
  EXPECT_TRUE(database_->broken());
  EXPECT_THAT(database_->Get(TestDatabase::kFirst, "key"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Put("key", "value"), StatusIs(absl::StatusCode::kUnavailable));
  files_.Heal();
  EXPECT_THAT(database_->Mend(), IsOkAndHolds(true));
  EXPECT_OK(Put("key", "value"));
}

TEST_F(StoreDatabaseTest, ABatchThatWasFilledWhileItWasClosedIsNotWritten) {
  SetAside(directory_, files_, clock_).Mark("by this test");
  files_.Inject({.call = FaultyFileSystem::Call::kRename, .status = absl::InternalError("injected")});
  EXPECT_THAT(Open(), StatusIs(absl::StatusCode::kInternal));
  StoreDatabase::Batch batch(*database_);
  batch.Put(TestDatabase::kFirst, "key", "value");
  EXPECT_FALSE(batch.empty());
  files_.Heal();
  ASSERT_OK(database_->Mend());
  EXPECT_THAT(database_->Write(batch, StoreDatabase::Durability::kMachine), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(StoreDatabaseTest, WhatIsSetAsideIsMeasuredAndRemoved) {
  ASSERT_OK(files_.MakeDirectories(directory_, 0700));
  ASSERT_OK(files_.WriteNewFile(directory_ + "/x", std::string(1'000, 'x'), 0600));
  SetAside aside(directory_, files_, clock_);
  ASSERT_OK(aside.Move());
  EXPECT_EQ(aside.bytes(), 1'000);
  SetAside later(directory_, files_, clock_);
  later.Measure();
  EXPECT_EQ(later.bytes(), 1'000);
  later.Remove();
  EXPECT_EQ(later.bytes(), 0);
  EXPECT_THAT(Beside(), IsEmpty());
}

TEST(RocksDbStatusTest, IsSaidInOurCodes) {
  const struct {
    rocksdb::Status from;
    absl::StatusCode to;
    bool corrupt, broken;
  } kCases[] = {
      {rocksdb::Status::OK(), absl::StatusCode::kOk, false, false},
      {rocksdb::Status::NoSpace(), absl::StatusCode::kResourceExhausted, false, false},
      {rocksdb::Status::IOError("x", "Permission denied"), absl::StatusCode::kPermissionDenied, false, false},
      {rocksdb::Status::IOError("x"), absl::StatusCode::kInternal, false, false},
      {rocksdb::Status::Corruption("x"), absl::StatusCode::kDataLoss, true, true},
      {rocksdb::Status::PathNotFound("x"), absl::StatusCode::kInternal, true, true},
      {rocksdb::Status::InvalidArgument("x"), absl::StatusCode::kInternal, false, true},
      {rocksdb::Status::InvalidArgument("options", "IO error: Too many open files"), absl::StatusCode::kInternal, false,
       false},
  };
  for (const auto& tested : kCases) {
    SCOPED_TRACE(tested.from.ToString());
    EXPECT_EQ(ToStatus(tested.from, "/db").code(), tested.to);
    EXPECT_EQ(MeansCorrupt(tested.from), tested.corrupt);
    EXPECT_EQ(MeansBroken(tested.from), tested.broken);
  }
}

}  // namespace
}  // namespace smelt
