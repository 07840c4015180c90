#include "src/base/kill_point.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace smelt {
namespace {

void PassPoints() {
  SMELT_KILL_POINT("test.first");
  SMELT_KILL_POINT("test.second");
}

[[gnu::used]] void NeverCalled() { SMELT_KILL_POINT("test.unreached"); }

// The signal that ended a child which arms `spec` and passes both points `times` times; 0 if it came through.
int SignalOfChild(const char* spec, int times) {
  const pid_t child = ::fork();
  if (child == 0) {
    ArmKillPointForTest(spec);
    for (int i = 0; i < times; ++i) PassPoints();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(KillPointTest, ListsEveryPointEvenUnreachedOnes) {
  EXPECT_THAT(KillPoints(), testing::ElementsAre("test.first", "test.second", "test.unreached"));
}

TEST(KillPointTest, DoesNothingUnlessArmed) {
  PassPoints();
  EXPECT_EQ(SignalOfChild("", 3), 0);
  EXPECT_EQ(SignalOfChild("test.other", 3), 0);
  EXPECT_EQ(SignalOfChild("test", 3), 0);
}

TEST(KillPointTest, KillsAtTheNamedPoint) {
  EXPECT_EQ(SignalOfChild("test.first", 1), SIGKILL);
  EXPECT_EQ(SignalOfChild("test.second", 1), SIGKILL);
}

TEST(KillPointTest, KillsAtTheNthTime) {
  EXPECT_EQ(SignalOfChild("test.second:3", 2), 0);
  EXPECT_EQ(SignalOfChild("test.second:3", 3), SIGKILL);
}

TEST(KillPointTest, IsArmedByTheEnvironmentAtStart) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("SMELT_KILL_POINT", "test.first", 1);
    ::execl("/proc/self/exe", "kill_point_test", "--gtest_filter=*DoesNothingUnlessArmed", nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(KillPointTest, RefusesMalformedSpecs) {
  EXPECT_FALSE(ArmKillPointForTest("test.first:"));
  EXPECT_FALSE(ArmKillPointForTest("test.first:0"));
  EXPECT_FALSE(ArmKillPointForTest("test.first:2x"));
  PassPoints();
}

}  // namespace
}  // namespace smelt
