#include "src/store/store_directory.h"

#include "src/testing/faulty_file_system.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using testing::HasSubstr;

class StoreDirectoryTest : public testing::Test {
 protected:
  absl::StatusOr<UniqueFd> Take() { return TakeStoreDirectory(directory_, files_); }

  TempDir dir_;
  const std::string directory_ = dir_ / "a/store";
  FaultyFileSystem files_;
};

TEST_F(StoreDirectoryTest, IsMadeForThisUserAlone) {
  ASSERT_OK(Take());
  ASSERT_OK_AND_ASSIGN(const FileStat stat, files_.Stat(directory_));
  EXPECT_EQ(stat.type, FileStat::Type::kDirectory);
  EXPECT_EQ(stat.mode, 0700u);
}

TEST_F(StoreDirectoryTest, IsOnesUntilTheDescriptorIsClosed) {
  auto taken = Take();
  ASSERT_OK(taken);
  const auto second = Take();
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(directory_ + " is in use by another process"));
  taken->Reset();
  EXPECT_OK(Take());
}

TEST_F(StoreDirectoryTest, SaysWhatToDoWhereItCannotBeMade) {
  files_.Inject({.call = FaultyFileSystem::Call::kMakeDirectories, .status = absl::PermissionDeniedError("injected")});
  const auto taken = Take();
  EXPECT_THAT(taken, StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(std::string(taken.status().message()), HasSubstr(directory_ + " (injected): make it writable"));
}

TEST_F(StoreDirectoryTest, SaysWhatToDoWhereTheLockIsNoFile) {
  ASSERT_OK(files_.MakeDirectories(directory_ + "/lock", 0700));
  const auto taken = Take();
  EXPECT_FALSE(taken.ok());
  EXPECT_THAT(std::string(taken.status().message()), HasSubstr("cannot use the store " + directory_));
}

}  // namespace
}  // namespace smelt
