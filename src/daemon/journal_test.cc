#include "src/daemon/journal.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/file_system.h"
#include "src/testing/fake_clock.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

bool Never() { return false; }

JournalEntry Entry(const std::string& crate, const std::string& unit, const std::string& line) {
  JournalEntry entry;
  entry.crate = crate;
  entry.crate_type = "lib";
  entry.unit = unit;
  entry.outcome = "miss";
  entry.key = "key of " + line;
  entry.key_dump = {line, "file /a 12"};
  return entry;
}

class JournalTest : public testing::Test {
 protected:
  void Record(JournalEntry entry) {
    clock_.AdvanceSeconds(1);
    journal_.Record(std::move(entry));
  }

  TempDir dir_;
  MemoryTable table_;
  FakeClock clock_;
  const std::string log_ = dir_ / "compiles.jsonl";
  Journal journal_{table_, clock_, log_};
};

TEST_F(JournalTest, KeepsWhatKeysWereMadeOfNewestFirst) {
  Record(Entry("serde", "u", "one"));
  Record(Entry("serde", "u", "two"));
  const std::vector<JournalEntry> entries = journal_.Of("serde");
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_THAT(entries[0].key_dump, ElementsAre("two", "file /a 12"));
  EXPECT_EQ(entries[1].key, "key of one");
  EXPECT_EQ(entries[0].time_ns, clock_.NowNanos());
}

TEST_F(JournalTest, KeepsTheLastOfEachUnit) {
  for (int i = 0; i < Journal::kEntriesMax + 2; ++i) Record(Entry("serde", "u", std::to_string(i)));
  Record(Entry("serde", "other unit", "x"));
  const std::vector<JournalEntry> entries = journal_.Of("serde");
  ASSERT_THAT(entries, SizeIs(Journal::kEntriesMax + 1));
  EXPECT_EQ(entries[0].unit, "other unit");
  EXPECT_EQ(entries[1].key_dump[0], std::to_string(Journal::kEntriesMax + 1));
}

TEST_F(JournalTest, DashesAndUnderscoresAreTheSame) {
  Record(Entry("proc_macro2", "u", "x"));
  EXPECT_THAT(journal_.Of("proc-macro2"), SizeIs(1));
  EXPECT_TRUE(journal_.LastOf("proc-macro2").has_value());
  EXPECT_THAT(journal_.Of("proc_macro"), IsEmpty()) << "a name that merely begins so";
}

TEST_F(JournalTest, HitsAndRefusalsAreRememberedUntilTheDaemonEnds) {
  JournalEntry hit = Entry("serde", "u", "x");
  hit.outcome = "hit";
  hit.key_dump.clear();
  Record(hit);
  EXPECT_EQ(journal_.LastOf("serde")->outcome, "hit");
  EXPECT_THAT(journal_.Of("serde"), IsEmpty());
  EXPECT_EQ(Journal(table_, clock_, "").LastOf("serde"), std::nullopt);
}

TEST_F(JournalTest, MissesSurviveARestart) {
  Record(Entry("serde", "u", "x"));
  EXPECT_THAT(Journal(table_, clock_, "").Of("serde"), SizeIs(1));
}

TEST_F(JournalTest, AnyBytesAreKeptAsTextSomehow) {
  Record(Entry("serde", "u", "variable V=\xff\xfe \"\n\\"));
  ASSERT_THAT(journal_.Of("serde"), SizeIs(1));
  EXPECT_THAT(journal_.Of("serde")[0].key_dump[0], testing::StartsWith("variable V="));
}

TEST_F(JournalTest, WhatIsNotOfItsMakingIsLeftOut) {
  for (const char* value : {"", "{", "17", "{\"crate\": 1}", "[1, null, \"x\", [], {}]",
                            "[{\"crate\": [], \"time_ns\": {}, "
                            "\"key_dump\": 5}]",
                            "[{\"key_dump\": [1, {}]}]"}) {
    ASSERT_OK(table_.Put("journal\nserde\nu", value));
    for (const JournalEntry& entry : journal_.Of("serde")) EXPECT_EQ(entry.crate, "") << value;
    Record(Entry("serde", "u", "x"));
    EXPECT_EQ(journal_.Of("serde")[0].key_dump[0], "x") << value;
  }
}

TEST_F(JournalTest, ATimeThatCannotBeIsNone) {
  ASSERT_OK(table_.Put("journal\nserde\nu", R"([{"time_ns":1e300,"micros":-1e300}])"));
  const std::vector<JournalEntry> entries = journal_.Of("serde");
  ASSERT_THAT(entries, SizeIs(1));
  EXPECT_EQ(entries[0].time_ns, 0);
  EXPECT_EQ(entries[0].micros, 0);
}

TEST_F(JournalTest, TheLogHasALineOfJsonForEachCompile) {
  Record(Entry("serde", "u", "x"));
  Record(Entry("quote\xff", "u", "y"));
  std::istringstream lines(*FileSystem::System().ReadFile(log_));
  std::vector<std::string> crates;
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(object.is_object()) << line;
    crates.push_back(object["crate"]);
  }
  EXPECT_THAT(crates, ElementsAre("serde", "quote\xef\xbf\xbd"));
}

TEST_F(JournalTest, ALogThatIsTooLongIsPutAside) {
  ASSERT_OK(FileSystem::System().WriteNewFile(log_, "", 0600));
  std::filesystem::resize_file(log_, Journal::kLogBytesMax);
  Record(Entry("serde", "u", "x"));
  EXPECT_GT(std::filesystem::file_size(log_ + ".old"), static_cast<std::uintmax_t>(Journal::kLogBytesMax));
  Record(Entry("serde", "u", "y"));
  EXPECT_LT(std::filesystem::file_size(log_), 1000u);
}

TEST_F(JournalTest, PruningForgetsWhatWasCompiledLongestAgo) {
  constexpr int kUnits = 10;
  for (int i = 0; i < kUnits; ++i) Record(Entry("crate" + std::to_string((i * 7 + 3) % kUnits), "u", "x"));
  std::size_t bytes = 0;
  for (const auto& [key, value] : table_.Entries()) bytes += key.size() + value.size();
  journal_.Prune(bytes - 1, [] { return true; });
  journal_.Prune(bytes, Never);
  EXPECT_EQ(table_.Entries().size(), 10u);
  journal_.Prune(bytes - 1, Never);
  EXPECT_EQ(table_.Entries().size(), 9u);
  EXPECT_THAT(journal_.Of("crate3"), IsEmpty());
  journal_.Prune(0, Never);
  EXPECT_EQ(table_.Entries().size(), 0u);
}

TEST_F(JournalTest, ThreadsMayRecordTheSameUnit) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 20; ++j) journal_.Record(Entry("serde", "u", "x"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(journal_.Of("serde"), SizeIs(Journal::kEntriesMax));
}

}  // namespace
}  // namespace smelt
