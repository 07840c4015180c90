#include "src/testing/faulty_file_system.h"

#include "gtest/gtest.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using Call = FaultyFileSystem::Call;

class FaultyFileSystemTest : public testing::Test {
 protected:
  TempDir dir_;
  FaultyFileSystem files_;
};

TEST_F(FaultyFileSystemTest, ForwardsAndCounts) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "x", 0644));
  EXPECT_THAT(files_.ReadFile(dir_ / "f"), IsOkAndHolds("x"));
  EXPECT_EQ(files_.Count(Call::kWriteNewFile), 1);
  EXPECT_EQ(files_.Count(Call::kReadFile), 1);
  EXPECT_EQ(files_.Count(), 2);
  files_.ResetCounts();
  EXPECT_EQ(files_.Count(), 0);
}

TEST_F(FaultyFileSystemTest, FailsTheNthCallOfOneKind) {
  files_.Inject({.call = Call::kWriteNewFile, .skip = 1, .times = 1});
  EXPECT_OK(files_.WriteNewFile(dir_ / "1", "x", 0644));
  EXPECT_THAT(files_.WriteNewFile(dir_ / "2", "x", 0644), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_OK(files_.WriteNewFile(dir_ / "3", "x", 0644));
  EXPECT_THAT(files_.List(dir_.path()), IsOkAndHolds(testing::ElementsAre("1", "3")));
}

TEST_F(FaultyFileSystemTest, FailsByEitherPathUntilHealed) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "x", 0644));
  files_.Inject({.path_contains = "target", .status = absl::DataLossError("bad")});
  EXPECT_THAT(files_.Link(dir_ / "f", dir_ / "target"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(files_.Stat(dir_ / "f"));
  files_.Heal();
  EXPECT_OK(files_.Link(dir_ / "f", dir_ / "target"));
}

TEST_F(FaultyFileSystemTest, CallsTheHookBeforeForwarding) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "x", 0644));
  files_.OnCall([this](Call call, const std::string& path) {
    if (call == Call::kReadFile) {
      ASSERT_OK(FileSystem::System().Remove(path));
    }
  });
  EXPECT_THAT(files_.ReadFile(dir_ / "f"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(FakeClockTest, MovesOnlyWhenTold) {
  FakeClock clock(5);
  EXPECT_EQ(clock.NowNanos(), 5);
  clock.AdvanceSeconds(2);
  EXPECT_EQ(clock.NowNanos(), 2'000'000'005);
}

TEST(TempDirTest, IsRemovedWithUnwritableDirectoriesInIt) {
  std::string path;
  {
    TempDir dir;
    path = dir.path();
    ASSERT_OK(FileSystem::System().MakeDirectories(dir / "a/b", 0700));
    ASSERT_OK(FileSystem::System().WriteNewFile(dir / "a/b/f", "x", 0444));
    ASSERT_OK(FileSystem::System().SetMode(dir / "a/b", 0500));
  }
  EXPECT_THAT(FileSystem::System().Stat(path), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace smelt
