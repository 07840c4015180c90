#include "src/services/partial_uploads.h"

#include <memory>
#include <string>

#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

class PartialUploadsTest : public testing::Test {
 protected:
  std::unique_ptr<StagedUpload> Upload(std::string data) {
    auto upload = std::make_unique<StagedUpload>(1000, BytesBudget::Hold(), room_);
    EXPECT_OK(upload->Append(std::move(data)));
    return upload;
  }

  TempDir directory_;
  FakeClock clock_;
  Limits limits_ = {.partial_uploads_max = 3, .partial_bytes_max = 100, .partial_seconds = 60};
  StagingRoom room_{directory_.path(), limits_, FileSystem::System()};
  PartialUploads partials_{limits_, clock_};
};

TEST_F(PartialUploadsTest, IsTakenOnce) {
  partials_.Park("a", Upload("12345"));
  EXPECT_EQ(partials_.SizeOf("a"), 5);
  EXPECT_EQ(partials_.SizeOf("b"), 0);
  const auto upload = partials_.Take("a");
  ASSERT_NE(upload, nullptr);
  EXPECT_EQ(upload->size(), 5);
  EXPECT_EQ(partials_.Take("a"), nullptr);
  EXPECT_EQ(partials_.bytes(), 0);
}

TEST_F(PartialUploadsTest, GoesWhenItIsTooOld) {
  partials_.Park("a", Upload("1"));
  clock_.AdvanceSeconds(60);
  EXPECT_EQ(partials_.SizeOf("a"), 1);
  clock_.AdvanceSeconds(1);
  EXPECT_EQ(partials_.SizeOf("a"), 0);
}

TEST_F(PartialUploadsTest, GoesWhenItsTimeIsOverThoughNobodyAsks) {
  partials_.Park("a", Upload("1"));
  clock_.AdvanceSeconds(60);
  partials_.DropOld();
  EXPECT_EQ(partials_.bytes(), 1);
  clock_.AdvanceSeconds(1);
  EXPECT_EQ(partials_.bytes(), 1);
  partials_.DropOld();
  EXPECT_EQ(partials_.bytes(), 0);
}

TEST_F(PartialUploadsTest, TheOldestGoWhenThereAreTooMany) {
  for (const char* name : {"a", "b", "c", "d"}) partials_.Park(name, Upload("1"));
  EXPECT_EQ(partials_.SizeOf("a"), 0);
  EXPECT_EQ(partials_.SizeOf("b"), 1);
  EXPECT_EQ(partials_.SizeOf("d"), 1);
}

TEST_F(PartialUploadsTest, TheOldestGoWhenTheyAreTooLarge) {
  partials_.Park("a", Upload(std::string(60, 'x')));
  partials_.Park("b", Upload(std::string(40, 'x')));
  EXPECT_EQ(partials_.bytes(), 100);
  partials_.Park("c", Upload("x"));
  EXPECT_EQ(partials_.SizeOf("a"), 0);
  EXPECT_EQ(partials_.bytes(), 41);
}

TEST_F(PartialUploadsTest, TheLatestOfANameIsKept) {
  partials_.Park("a", Upload("123"));
  partials_.Park("a", Upload("12"));
  EXPECT_EQ(partials_.SizeOf("a"), 2);
  EXPECT_EQ(partials_.bytes(), 2);
}

TEST_F(PartialUploadsTest, NothingIsNotKept) {
  partials_.Park("a", std::make_unique<StagedUpload>(1000, BytesBudget::Hold(), room_));
  EXPECT_EQ(partials_.Take("a"), nullptr);
}

TEST_F(PartialUploadsTest, StagedInMemoryHoldsItsShareOfTheBudgetUntilItGoes) {
  BytesBudget budget(100);
  auto upload = std::make_unique<StagedUpload>(10, budget.TryAcquire(10), room_);
  ASSERT_TRUE(upload->in_memory());
  ASSERT_OK(upload->Append("12"));
  ASSERT_OK(upload->Append("345"));
  EXPECT_THAT(upload->Append("678901"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(upload->size(), 5);
  partials_.Park("a", std::move(upload));
  EXPECT_EQ(budget.held_bytes(), 10);
  EXPECT_EQ(*std::move(*partials_.Take("a")).Finish().ReadAll(), "12345");
  EXPECT_EQ(budget.held_bytes(), 0);
}

TEST_F(PartialUploadsTest, StagedInAFileThatHasNoName) {
  auto upload = Upload("hello ");
  ASSERT_OK(upload->Append("world"));
  EXPECT_EQ(::access((directory_ / "upload").c_str(), F_OK), -1);
  const Bytes bytes = std::move(*upload).Finish();
  EXPECT_GE(bytes.fd(), 0);
  EXPECT_EQ(*bytes.ReadAll(), "hello world");
}

TEST_F(PartialUploadsTest, AStagingDirectoryThatIsGoneIsSaid) {
  StagingRoom gone(directory_ / "gone", limits_, FileSystem::System());
  StagedUpload upload(1000, BytesBudget::Hold(), gone);
  EXPECT_THAT(upload.Append("x"), StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("gone")));
}

}  // namespace
}  // namespace smelt
