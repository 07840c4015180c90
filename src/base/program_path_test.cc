#include "src/base/program_path.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/file_system.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using testing::ElementsAre;

class ProgramPathTest : public testing::Test {
 protected:
  ProgramPathTest() {
    for (const char* directory : {"one", "two"}) {
      EXPECT_OK(FileSystem::System().MakeDirectories(dir_ / directory, 0755));
      EXPECT_OK(FileSystem::System().WriteNewFile(dir_ / directory + "/both", "", 0755));
    }
    EXPECT_OK(FileSystem::System().WriteNewFile(dir_ / "one/second", "", 0644));
    EXPECT_OK(FileSystem::System().WriteNewFile(dir_ / "two/second", "", 0755));
  }

  TempDir dir_;
  const std::string path_ = (dir_ / "one") + ":" + (dir_ / "none") + ":" + (dir_ / "two");
};

TEST_F(ProgramPathTest, DirectoriesComeInOrderAndEmptyOnesCount) {
  EXPECT_THAT(ProgramDirectories("/a:b:/c"), ElementsAre("/a", "b", "/c"));
  EXPECT_THAT(ProgramDirectories(":/a::/b:"), ElementsAre("", "/a", "", "/b", ""));
  EXPECT_THAT(ProgramDirectories(""), ElementsAre(""));
}

TEST_F(ProgramPathTest, TheFirstExecutableFileWins) {
  EXPECT_THAT(FindProgram(path_, "both"), IsOkAndHolds(dir_ / "one/both"));
  EXPECT_THAT(FindProgram(path_, "second"), IsOkAndHolds(dir_ / "two/second"));
  EXPECT_THAT(FindProgram(path_, "third"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ProgramPathTest, ARelativeDirectoryIsAnObstacleOnlyWhereTheSearchComesToIt) {
  for (const char* relative : {"", ".", "bin"}) {
    EXPECT_THAT(FindProgram(relative + (":" + path_), "both"), StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_THAT(FindProgram(path_ + ":" + relative, "both"), IsOkAndHolds(dir_ / "one/both"));
    EXPECT_THAT(FindProgram(path_ + ":" + relative, "third"), StatusIs(absl::StatusCode::kFailedPrecondition));
  }
}

}  // namespace
}  // namespace smelt
