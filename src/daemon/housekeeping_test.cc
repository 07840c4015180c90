#include "src/daemon/housekeeping.h"

#include <atomic>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/memory_table.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

bool Never() { return false; }

class PrunePathsTest : public testing::Test {
 protected:
  void Put(const std::string& key) { ASSERT_OK(table_.Put(key, "value")); }
  bool Has(const std::string& key) { return table_.Get(key).has_value(); }

  TempDir dir_;
  FaultyFileSystem files_;
  MemoryTable table_;
};

TEST_F(PrunePathsTest, ForgetsOnlyWhatNamesAPathThatIsGone) {
  const std::string here = "unit\n" + dir_.path() + "\ncrate\nlib", gone = "unit\n" + (dir_ / "gone") + "\ncrate\nlib",
                    gone_too = "private\n" + (dir_ / "gone");
  for (const std::string& key : {here, gone, gone_too, std::string("no path")}) Put(key);
  PrunePaths(table_, files_, Never);
  EXPECT_TRUE(Has(here));
  EXPECT_TRUE(Has("no path"));
  EXPECT_FALSE(Has(gone));
  EXPECT_FALSE(Has(gone_too));
}

TEST_F(PrunePathsTest, ForgetsNothingThatItCannotLookAt) {
  Put("private\n" + (dir_ / "somewhere"));
  files_.Inject({.status = absl::PermissionDeniedError("injected")});
  PrunePaths(table_, files_, Never);
  EXPECT_TRUE(Has("private\n" + (dir_ / "somewhere")));
}

TEST_F(PrunePathsTest, EndsWhenItIsToldTo) {
  Put("private\n" + (dir_ / "gone"));
  PrunePaths(table_, files_, [] { return true; });
  EXPECT_TRUE(Has("private\n" + (dir_ / "gone")));
}

class HousekeepingTest : public testing::Test {
 protected:
  int RunAgain() {
    chores_done_ = 0;
    Housekeeping housekeeping(table_, clock_,
                              {[&](const ShouldStop&) { ++chores_done_; }, [&](const ShouldStop&) { ++chores_done_; }});
    housekeeping.Wait();
    return chores_done_;
  }

  MemoryTable table_;
  FakeClock clock_;
  std::atomic<int> chores_done_{0};
};

TEST_F(HousekeepingTest, IsDoneOnceADay) {
  EXPECT_EQ(RunAgain(), 2);
  EXPECT_EQ(RunAgain(), 0);
  clock_.AdvanceNanos(Housekeeping::kIntervalNanos);
  EXPECT_EQ(RunAgain(), 2);
}

TEST_F(HousekeepingTest, AClockThatGoesBackDoesNotPutItOffForEver) {
  EXPECT_EQ(RunAgain(), 2);
  clock_.AdvanceSeconds(-1);
  EXPECT_EQ(RunAgain(), 2);
}

TEST_F(HousekeepingTest, WhatIsNoTimeDoesNotPutItOff) {
  for (const char* damaged : {"", "x", "-9223372036854775808", "9223372036854775807", "99999999999999999999"}) {
    ASSERT_OK(table_.Put("housekeeping", damaged));
    EXPECT_EQ(RunAgain(), 2) << damaged;
  }
}

TEST_F(HousekeepingTest, WhatIsInterruptedIsDoneAnotherTime) {
  std::atomic<bool> started{false};
  {
    Housekeeping housekeeping(table_, clock_, {[&](const ShouldStop& stop) {
                                started = true;
                                while (!stop()) {
                                }
                              }});
    while (!started) {
    }
  }
  EXPECT_EQ(RunAgain(), 2);
}

}  // namespace
}  // namespace smelt
