#include "src/services/staging_room.h"

#include <string>
#include <utility>

#include "src/services/staged_upload.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using testing::HasSubstr;

class StagingRoomTest : public testing::Test {
 protected:
  StagedUpload Upload() { return {1 << 20, BytesBudget::Hold(), room_}; }

  TempDir directory_;
  StagingRoom room_{directory_.path(), {.staged_files_max = 2, .staged_bytes_max = 100}, FileSystem::System()};
};

TEST_F(StagingRoomTest, HasSoManyFilesAndGetsThemBack) {
  StagedUpload first = Upload(), third = Upload();
  ASSERT_OK(first.Append("1"));
  {
    StagedUpload second = Upload();
    ASSERT_OK(second.Append("2"));
    EXPECT_THAT(third.Append("3"), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("2 uploads")));
  }
  EXPECT_OK(third.Append("3"));
}

TEST_F(StagingRoomTest, HasSoManyBytesForAllTogetherAndGetsThemBack) {
  StagedUpload other = Upload();
  ASSERT_OK(other.Append(std::string(40, 'x')));
  {
    StagedUpload upload = Upload();
    ASSERT_OK(upload.Append(std::string(60, 'x')));
    EXPECT_THAT(upload.Append("x"), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("100 bytes")));
    EXPECT_EQ(std::move(upload).Finish().size(), 60);
  }
  EXPECT_OK(other.Append(std::string(60, 'x')));
}

TEST_F(StagingRoomTest, LeavesTheDiskWhatMustStayFree) {
  StagingRoom room(directory_.path(), {.staging_free_bytes_min = 1LL << 60}, FileSystem::System());
  StagedUpload upload(10 << 20, BytesBudget::Hold(), room);
  ASSERT_OK(upload.Append("little: the disk is not looked at"));
  EXPECT_THAT(upload.Append(std::string(2 << 20, 'x')),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(directory_.path())));
}

}  // namespace
}  // namespace smelt
