// The store on a file system that really runs full.

#include <optional>

#include "src/store/local/local_store_fixture.h"
#include "src/testing/small_disk.h"

namespace smelt {
namespace {

using testing::IsEmpty;

class LocalStoreFullDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(FileSystem::System().MakeDirectories(options_.directory, 0700));
    disk_.emplace(options_.directory, "8m");
    if (!disk_->mounted()) GTEST_SKIP() << "may not mount";
    ExpectOpens();
  }

  void ExpectOpens() {
    store_.reset();
    auto opened = LocalStore::Open(options_, FileSystem::System(), clock_);
    ASSERT_OK(opened);
    store_ = *std::move(opened);
  }

  void TearDown() override {
    store_.reset();
    disk_.reset();
  }

  static std::string Contents(std::int64_t size, int number) {
    std::string contents(static_cast<std::size_t>(size), 'x');
    return contents.replace(0, 8, std::to_string(10'000'000 + number));
  }

  absl::Status Put(const std::string& contents) { return store_->blobs().Put(DigestOf(contents), Bytes(contents)); }

  // Puts blobs of this size until one fails; returns how many succeeded.
  int PutUntilFull(std::int64_t size) {
    int number = 0;
    for (absl::Status status = Put(Contents(size, 0)); status.ok(); status = Put(Contents(size, number))) {
      if (++number == 1'000'000) break;
    }
    EXPECT_THAT(Put(Contents(size, number)), StatusIs(absl::StatusCode::kResourceExhausted));
    return number;
  }

  void ExpectAllThere(std::int64_t size, int count) {
    for (int number = 0; number < count; ++number) {
      const auto bytes = store_->blobs().Get(DigestOf(Contents(size, number)));
      ASSERT_OK(bytes);
      ASSERT_EQ(*bytes->ReadAll(), Contents(size, number));
    }
  }

  TempDir dir_;
  LocalStoreOptions options_ = {.directory = dir_ / "store"};
  FakeClock clock_;
  std::optional<SmallDisk> disk_;
  std::unique_ptr<LocalStore> store_;
};

class LocalStoreFullDiskSizeTest : public LocalStoreFullDiskTest, public testing::WithParamInterface<std::int64_t> {};

TEST_P(LocalStoreFullDiskSizeTest, KeepsWhatItAcknowledgedAndGoesOnOnceThereIsRoom) {
  const std::int64_t size = GetParam();
  const int count = PutUntilFull(size);
  EXPECT_GT(count, 10);
  ExpectAllThere(size, count);
  EXPECT_THAT(StagedIn(options_.directory), IsEmpty());
  ASSERT_OK(FileSystem::System().MakeDirectories(dir_ / "target", 0755));
  EXPECT_OK(store_->outputs().Restore(DigestOf(Contents(size, 0)), dir_ / "target/out", 0644));
  // Room as it comes about when a user deletes something else.
  disk_->Resize("32m");
  EXPECT_OK(Put(Contents(size, count + 1)));
  EXPECT_OK(store_->actions().Put(DigestOf("action"), {}));
  ExpectOpens();
  ExpectAllThere(size, count);
  ASSERT_OK(store_->Collect(false, 0));
  EXPECT_EQ(store_->Usage().bytes, 0);
}

INSTANTIATE_TEST_SUITE_P(Files, LocalStoreFullDiskSizeTest, testing::Values(100'000));
INSTANTIATE_TEST_SUITE_P(InTheDatabase, LocalStoreFullDiskSizeTest, testing::Values(10'000));

TEST_F(LocalStoreFullDiskTest, CollectingMakesRoomOnAFullDisk) {
  PutUntilFull(100'000);
  ASSERT_OK(store_->Collect(false, 1'000'000));
  EXPECT_LE(store_->Usage().bytes, 1'000'000);
  EXPECT_OK(Put(Contents(100'000, -1)));
}

TEST_F(LocalStoreFullDiskTest, ARestartOnAFullDiskServesWhatIsThere) {
  const int count = PutUntilFull(100'000);
  store_.reset();
  auto opened = LocalStore::Open(options_, FileSystem::System(), clock_);
  if (opened.ok()) {
    store_ = *std::move(opened);
  } else {
    // RocksDB needs some room to begin.
    EXPECT_THAT(opened, StatusIs(absl::StatusCode::kResourceExhausted));
    disk_->Resize("32m");
    ExpectOpens();
  }
  ExpectAllThere(100'000, count);
}

}  // namespace
}  // namespace smelt
