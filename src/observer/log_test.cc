#include "src/observer/log.h"

#include <cstring>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/observer/log_format.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using Kind = ObserverEvent::Kind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string RecordOf(Kind kind, std::string path, std::string module = "", std::int32_t pid = 1, std::int32_t tid = 1) {
  RecordHeader header = {static_cast<char>(kind),
                         kRecordMark,
                         static_cast<std::uint16_t>(module.size()),
                         static_cast<std::uint32_t>(path.size()),
                         pid,
                         tid};
  std::string record(sizeof header, '\0');
  std::memcpy(record.data(), &header, sizeof header);
  return record + path + module + kRecordEnd;
}

TEST(ParseObserverLogTest, AnEmptyLogHasNoEvents) { EXPECT_THAT(ParseObserverLog(""), IsOkAndHolds(IsEmpty())); }

TEST(ParseObserverLogTest, ReadsEveryFieldInOrder) {
  ASSERT_OK_AND_ASSIGN(auto events, ParseObserverLog(RecordOf(Kind::kGetenv, "OUT_DIR", "librustc_driver-1.so", 7, 9) +
                                                     RecordOf(Kind::kRead, "/a/b.rs", "", 7, 8)));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, Kind::kGetenv);
  EXPECT_EQ(events[0].pid, 7);
  EXPECT_EQ(events[0].tid, 9);
  EXPECT_EQ(events[0].path, "OUT_DIR");
  EXPECT_EQ(events[0].module, "librustc_driver-1.so");
  EXPECT_EQ(events[1].kind, Kind::kRead);
  EXPECT_EQ(events[1].path, "/a/b.rs");
  EXPECT_EQ(events[1].module, "");
}

TEST(ParseObserverLogTest, PathsMayHoldAnyByte) {
  std::string path("/a\n\0\xff\xb5R b", 10);
  ASSERT_OK_AND_ASSIGN(auto events, ParseObserverLog(RecordOf(Kind::kRead, path) + RecordOf(Kind::kStat, "/c")));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].path, path);
}

TEST(ParseObserverLogTest, KnowsEveryKind) {
  for (char kind : std::string("PLRWASDGEXNCZ")) {
    EXPECT_OK(ParseObserverLog(RecordOf(static_cast<Kind>(kind), "x"))) << kind;
  }
}

TEST(ParseObserverLogTest, ALogCutAnywhereWithinARecordIsUnreadable) {
  std::string first = RecordOf(Kind::kRead, "/a/b.rs", "m");
  std::string log = first + RecordOf(Kind::kRead, "/a/c.rs", "m");
  for (std::size_t size = 1; size < log.size(); ++size) {
    if (size == first.size()) continue;
    EXPECT_THAT(ParseObserverLog(log.substr(0, size)), StatusIs(absl::StatusCode::kDataLoss)) << size;
  }
}

// What the observer does when it cannot write a record.
TEST(ParseObserverLogTest, ANulByteBetweenRecordsMakesTheLogUnreadable) {
  std::string record = RecordOf(Kind::kRead, "/a/b.rs");
  EXPECT_THAT(ParseObserverLog(record + '\0'), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ParseObserverLog(record + '\0' + record),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("byte 24: no record")));
}

TEST(ParseObserverLogTest, AnUnknownKindMakesTheLogUnreadable) {
  EXPECT_THAT(ParseObserverLog(RecordOf(static_cast<Kind>('Q'), "x")), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(ParseObserverLogTest, AnOverwrittenEndMakesTheLogUnreadable) {
  std::string record = RecordOf(Kind::kRead, "/a/b.rs");
  record.back() = 'x';
  EXPECT_THAT(ParseObserverLog(record), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no end of record")));
}

TEST(ParseObserverLogTest, LengthsAreLimited) {
  EXPECT_OK(ParseObserverLog(RecordOf(Kind::kRead, std::string(kRecordPathBytesMax, 'p'))));
  EXPECT_THAT(ParseObserverLog(RecordOf(Kind::kRead, std::string(kRecordPathBytesMax + 1, 'p'))),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("path too long")));
  EXPECT_OK(ParseObserverLog(RecordOf(Kind::kRead, "p", std::string(kRecordModuleBytesMax, 'm'))));
  EXPECT_THAT(ParseObserverLog(RecordOf(Kind::kRead, "p", std::string(kRecordModuleBytesMax + 1, 'm'))),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("module too long")));
}

ObserverEvent Event(Kind kind, std::int32_t pid, std::int32_t tid, std::string path) {
  return {.kind = kind, .pid = pid, .tid = tid, .path = std::move(path)};
}

TEST(UntracedProgramsTest, AProgramThatChecksInAfterItsExecIsTraced) {
  EXPECT_THAT(UntracedPrograms({Event(Kind::kProcess, 1, 1, "rustc"), Event(Kind::kExec, 2, 2, "cc"),
                                Event(Kind::kProcess, 2, 2, "gcc")}),
              IsEmpty());
}

TEST(UntracedProgramsTest, AnExecWithoutCheckInIsNot) {
  EXPECT_THAT(UntracedPrograms({Event(Kind::kProcess, 1, 1, "rustc"), Event(Kind::kExec, 2, 2, "static")}),
              ElementsAre("static"));
}

TEST(UntracedProgramsTest, AnEarlierCheckInOfTheSameProcessDoesNotCount) {
  EXPECT_THAT(UntracedPrograms({Event(Kind::kProcess, 1, 1, "sh"), Event(Kind::kExec, 1, 1, "static")}),
              ElementsAre("static"));
  EXPECT_THAT(UntracedPrograms({Event(Kind::kProcess, 1, 1, "sh"), Event(Kind::kExec, 1, 1, "first"),
                                Event(Kind::kExec, 1, 1, "second"), Event(Kind::kProcess, 1, 1, "second")}),
              ElementsAre("first"));
}

TEST(UntracedProgramsTest, ASpawnedProgramMayCheckInBeforeItsRecord) {
  EXPECT_THAT(UntracedPrograms({Event(Kind::kProcess, 1, 1, "rustc"), Event(Kind::kProcess, 5, 5, "gcc"),
                                Event(Kind::kExec, 5, 1, "cc"), Event(Kind::kExec, 6, 1, "late"),
                                Event(Kind::kProcess, 6, 6, "late")}),
              IsEmpty());
}

TEST(UntracedProgramsTest, ASpawnedProgramThatExecutesAnotherNeedsTwoCheckIns) {
  EXPECT_THAT(UntracedPrograms({Event(Kind::kExec, 5, 1, "sh"), Event(Kind::kProcess, 5, 5, "sh"),
                                Event(Kind::kExec, 5, 5, "static")}),
              ElementsAre("static"));
}

TEST(UntracedProgramsTest, AnUnknownProcessIsUntraced) {
  EXPECT_THAT(UntracedPrograms({Event(Kind::kExec, 0, 1, "/bin/sh"), Event(Kind::kProcess, 0, 0, "sh")}),
              ElementsAre("/bin/sh"));
}

TEST(IsCompilerObjectTest, GoesByTheBeginningOfTheName) {
  for (const char* module : {"rustc", "librustc_driver-6108105cd7e839cf.so", "libLLVM.so.22.1-rust-1.95.0-stable",
                             "libstd-0123.so", "libc.so.6", "ld-linux-x86-64.so.2", "libgcc_s.so.1", "clippy-driver"}) {
    EXPECT_TRUE(IsCompilerObject(module)) << module;
  }
  for (const char* module : {"", "?", "libserde_derive-1.so", "librust_embed_impl-1.so", "libcurl.so.4", "gcc"}) {
    EXPECT_FALSE(IsCompilerObject(module)) << module;
  }
}

}  // namespace
}  // namespace smelt
