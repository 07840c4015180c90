// The store on a file system that really runs full.

#include <optional>

#include "src/store/rocks/rocks_store_fixture.h"
#include "src/testing/small_disk.h"

namespace smelt {
namespace {

class RocksStoreFullDiskTest : public RocksStoreFixture, public testing::WithParamInterface<std::int64_t> {
 protected:
  void SetUp() override {
    ASSERT_OK(FileSystem::System().MakeDirectories(options_.directory, 0700));
    disk_.emplace(options_.directory, "8m");
    if (!disk_->mounted()) GTEST_SKIP() << "may not mount";
    Open();
  }

  void TearDown() override {
    store_.reset();
    disk_.reset();
  }

  // Puts blobs until one fails; returns how many succeeded.
  int PutUntilFull() {
    int number = 0;
    absl::Status status = TryPut(Contents(GetParam(), 0));
    while (status.ok() && number < 100'000) status = TryPut(Contents(GetParam(), static_cast<unsigned>(++number)));
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted));
    EXPECT_TRUE(store_->GetUsage().read_only);
    return number;
  }

  void ExpectAllThere(int count) {
    for (int number = 0; number < count; ++number) {
      const std::string contents = Contents(GetParam(), static_cast<unsigned>(number));
      ASSERT_TRUE(Has(DigestOf(contents)));
      ASSERT_THAT(Get(DigestOf(contents)), IsOkAndHolds(contents));
    }
  }

  std::optional<SmallDisk> disk_;
};

TEST_P(RocksStoreFullDiskTest, KeepsWhatItAcknowledgedAndGoesOnOnceThereIsRoom) {
  const int count = PutUntilFull();
  EXPECT_GT(count, 10);
  ExpectAllThere(count);
  EXPECT_TRUE(FileSystem::System().List(store_->staging_directory())->empty());
  disk_->Resize("32m");
  EXPECT_OK(TryPut(Contents(GetParam(), 1'000'000)));
  EXPECT_OK(store_->actions().Of("main")->Put(DigestOf("action"), Result("x")));
  EXPECT_FALSE(store_->GetUsage().read_only);
  Open();
  ExpectAllThere(count);
}

// Where there is room for the log, but not for the tables that are made of it.
TEST_P(RocksStoreFullDiskTest, GoesOnAfterRocksDbsOwnWorkFoundNoRoom) {
  constexpr int kCount = 30;
  for (int number = 0; number < kCount; ++number)
    ASSERT_OK(TryPut(Contents(GetParam(), static_cast<unsigned>(number))));
  disk_->Fill();
  EXPECT_THAT(store_->CompactForTest(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_FALSE(TryPut(Contents(400'000, 1'000'000)).ok());
  ExpectAllThere(kCount);
  disk_->Unfill();
  EXPECT_OK(TryPut(Contents(GetParam(), 1'000'001)));
  EXPECT_OK(store_->CompactForTest());
  ExpectAllThere(kCount);
  EXPECT_FALSE(store_->GetUsage().read_only);
  Open();
  ExpectAllThere(kCount);
}

TEST_P(RocksStoreFullDiskTest, GoesOnHoweverOftenTheDiskIsTried) {
  ASSERT_OK(TryPut(Contents(GetParam(), 0)));
  disk_->Fill();
  for (unsigned number = 1; number < 100; ++number) EXPECT_FALSE(TryPut(Contents(400'000, number)).ok());
  for (unsigned number = 1; number < 100; ++number) (void)TryPut(Contents(GetParam(), number)).ok();
  ExpectAllThere(1);
  disk_->Unfill();
  EXPECT_OK(TryPut(Contents(GetParam(), 1'000'000)));
}

TEST_P(RocksStoreFullDiskTest, RefusesBeforeTheDiskIsFullWhereItIsToldTo) {
  options_.free_bytes_min = 16 << 20;  // an eighth of it stays free
  Open();
  for (unsigned number = 0; TryPut(Contents(GetParam(), number)).ok();) {
    ASSERT_LT(++number, 100'000u);
    ASSERT_OK(store_->Collect(/*dry_run=*/true, std::nullopt));  // looks at the disk
  }
  EXPECT_GE(*FileSystem::System().FreeBytes(options_.directory), 1 << 20);
  EXPECT_TRUE(store_->GetUsage().read_only);
  clock_.AdvanceSeconds(100 * kHour);
  ASSERT_OK(store_->Collect(false, 0));
  EXPECT_EQ(store_->GetUsage().bytes, 0);
}

INSTANTIATE_TEST_SUITE_P(Tree, RocksStoreFullDiskTest, testing::Values(2'000));
INSTANTIATE_TEST_SUITE_P(BlobDb, RocksStoreFullDiskTest, testing::Values(20'000));
INSTANTIATE_TEST_SUITE_P(Files, RocksStoreFullDiskTest, testing::Values(100'000));

}  // namespace
}  // namespace smelt
