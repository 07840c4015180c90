#include "src/base/file_system.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/clock.h"
#include "src/base/errno_status.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileSystemTest : public testing::Test {
 protected:
  FileSystem& files_ = FileSystem::System();
  TempDir dir_;
};

TEST_F(FileSystemTest, WritesAndReadsBack) {
  const std::string bytes("a\0b\n", 4);
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", bytes, 0640));
  EXPECT_THAT(files_.ReadFile(dir_ / "f"), IsOkAndHolds(bytes));
  ASSERT_OK_AND_ASSIGN(const FileStat stat, files_.Stat(dir_ / "f"));
  EXPECT_EQ(stat.type, FileStat::Type::kRegular);
  EXPECT_EQ(stat.size, 4);
  EXPECT_EQ(stat.mode, 0640u);
  EXPECT_EQ(stat.links, 1u);
}

TEST_F(FileSystemTest, ModesDoNotDependOnTheUmask) {
  const mode_t before = ::umask(077);
  EXPECT_OK(files_.WriteNewFile(dir_ / "f", "x", 0755));
  ::umask(before);
  EXPECT_EQ(files_.Stat(dir_ / "f")->mode, 0755u);
}

TEST_F(FileSystemTest, NewFilesReplaceNothing) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "old", 0644));
  ASSERT_OK(files_.WriteNewFile(dir_ / "g", "other", 0644));
  EXPECT_THAT(files_.WriteNewFile(dir_ / "f", "new", 0644), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(files_.CopyToNewFile(dir_ / "g", dir_ / "f", 0644), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(files_.ReadFile(dir_ / "f"), IsOkAndHolds("old"));
}

TEST_F(FileSystemTest, CopiesContentsWithAnInodeOfTheirOwn) {
  const std::string bytes(3 << 20, 'x');
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", bytes, 0444));
  ASSERT_OK(files_.CopyToNewFile(dir_ / "f", dir_ / "g", 0755));
  EXPECT_THAT(files_.ReadFile(dir_ / "g"), IsOkAndHolds(bytes));
  EXPECT_EQ(files_.Stat(dir_ / "g")->mode, 0755u);
  EXPECT_NE(files_.Stat(dir_ / "g")->inode, files_.Stat(dir_ / "f")->inode);
}

TEST_F(FileSystemTest, CopiesFilesOfTheKernelThatClaimToBeEmpty) {
  ASSERT_OK(files_.CopyToNewFile("/proc/self/status", dir_ / "f", 0644));
  EXPECT_THAT(*files_.ReadFile(dir_ / "f"), HasSubstr("Pid:"));
  EXPECT_THAT(*files_.ReadFile("/proc/self/status"), HasSubstr("Pid:"));
  // What a number gives to a first read is all that it gives.
  std::ifstream watches("/proc/sys/fs/inotify/max_user_watches");
  EXPECT_THAT(*files_.ReadFile("/proc/sys/fs/inotify/max_user_watches"),
              std::string(std::istreambuf_iterator<char>(watches), {}));
}

TEST_F(FileSystemTest, CopiesAnEmptyFile) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "", 0644));
  ASSERT_OK(files_.CopyToNewFile(dir_ / "f", dir_ / "g", 0644));
  EXPECT_EQ(files_.Stat(dir_ / "g")->size, 0);
}

TEST_F(FileSystemTest, AFailedCopyLeavesNothing) {
  EXPECT_THAT(files_.CopyToNewFile(dir_ / "absent", dir_ / "g", 0644), StatusIs(absl::StatusCode::kNotFound));
  // A directory opens but cannot be read: the failure comes after the new file was made.
  EXPECT_FALSE(files_.CopyToNewFile(dir_.path(), dir_ / "g", 0644).ok());
  EXPECT_THAT(files_.List(dir_.path()), IsOkAndHolds(ElementsAre()));
}

TEST_F(FileSystemTest, ANameBelowAFileIsNotFound) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "x", 0644));
  EXPECT_THAT(files_.Stat(dir_ / "f/below"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(ErrnoStatusTest, HasTheCodesThatCallersRelyOn) {
  for (int error : {ENOSPC, EDQUOT}) {
    EXPECT_THAT(ErrnoStatus(error, "write /x"),
                StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("write /x: ")));
  }
  for (int error : {EACCES, EPERM, EROFS}) {
    EXPECT_THAT(ErrnoStatus(error, "write /x"), StatusIs(absl::StatusCode::kPermissionDenied));
  }
  for (int error : {ENOENT, ENOTDIR}) {
    EXPECT_THAT(ErrnoStatus(error, "open /x"), StatusIs(absl::StatusCode::kNotFound));
  }
}

TEST_F(FileSystemTest, LinksShareOneInode) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "x", 0644));
  ASSERT_OK(files_.Link(dir_ / "f", dir_ / "g"));
  ASSERT_OK_AND_ASSIGN(const FileStat stat, files_.Stat(dir_ / "g"));
  EXPECT_EQ(stat, *files_.Stat(dir_ / "f"));
  EXPECT_EQ(stat.links, 2u);
  EXPECT_THAT(files_.Link(dir_ / "f", dir_ / "g"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(files_.Link(dir_ / "f", "/proc/x"), testing::Not(IsOk()));
}

TEST_F(FileSystemTest, RenameReplaces) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "new", 0644));
  ASSERT_OK(files_.WriteNewFile(dir_ / "g", "old", 0644));
  ASSERT_OK(files_.Rename(dir_ / "f", dir_ / "g"));
  EXPECT_THAT(files_.ReadFile(dir_ / "g"), IsOkAndHolds("new"));
  EXPECT_THAT(files_.List(dir_.path()), IsOkAndHolds(ElementsAre("g")));
}

TEST_F(FileSystemTest, RemovingWhatIsAbsentSucceeds) {
  EXPECT_OK(files_.Remove(dir_ / "absent"));
  EXPECT_OK(files_.Remove(dir_ / "no/such/directory"));
  EXPECT_THAT(files_.Remove(dir_.path()), testing::Not(IsOk()));
}

TEST_F(FileSystemTest, ErrorsNameThePath) {
  const absl::Status status = files_.Stat(dir_ / "absent").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(std::string(status.message()), HasSubstr(dir_ / "absent"));
  const absl::Status renamed = files_.Rename(dir_ / "from", dir_ / "to");
  EXPECT_THAT(std::string(renamed.message()), HasSubstr(dir_ / "from"));
  EXPECT_THAT(std::string(renamed.message()), HasSubstr(dir_ / "to"));
}

TEST_F(FileSystemTest, MakesAllParentsAndAcceptsWhatIsThere) {
  ASSERT_OK(files_.MakeDirectories(dir_ / "a/b/c", 0700));
  EXPECT_OK(files_.MakeDirectories(dir_ / "a/b/c", 0700));
  EXPECT_OK(files_.MakeDirectories(dir_ / "a/d/", 0700));
  EXPECT_EQ(files_.Stat(dir_ / "a/b")->mode, 0700u);
  ASSERT_OK(files_.WriteNewFile(dir_ / "file", "", 0644));
  EXPECT_THAT(files_.MakeDirectories(dir_ / "file", 0700), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(FileSystemTest, ListsSortedNames) {
  for (const char* name : {"b", ".hidden", "a"}) ASSERT_OK(files_.WriteNewFile(dir_ / name, "", 0644));
  EXPECT_THAT(files_.List(dir_.path()), IsOkAndHolds(ElementsAre(".hidden", "a", "b")));
  EXPECT_THAT(files_.List(dir_ / "absent"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileSystemTest, DescriptorsAreClosedOnExec) {
  ASSERT_OK(files_.WriteNewFile(dir_ / "f", "x", 0644));
  ASSERT_OK_AND_ASSIGN(const UniqueFd fd, files_.OpenForRead(dir_ / "f"));
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FileSystemTest, TellsFreeSpace) { EXPECT_GT(*files_.FreeBytes(dir_.path()), 0); }

TEST_F(FileSystemTest, NoFileIsStampedEarlierThanTheClockSaysBeforeItIsChanged) {
  for (int i = 0; i < 100; ++i) {
    const std::int64_t before = Clock::System().NowNanos();
    ASSERT_OK(files_.WriteNewFile(dir_ / std::to_string(i), "x", 0644));
    EXPECT_LE(before, files_.Stat(dir_ / std::to_string(i))->mtime_ns);
  }
}

}  // namespace
}  // namespace smelt
