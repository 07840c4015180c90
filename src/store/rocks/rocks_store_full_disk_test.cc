// The store on a file system that really runs full.

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "src/store/rocks/rocks_store_fixture.h"

namespace smelt {
namespace {

class RocksStoreFullDiskTest : public RocksStoreFixture, public testing::WithParamInterface<std::int64_t> {
 protected:
  // Mounts of our own, as root or, where the kernel lets users have namespaces, as anybody. Once and before RocksDB
  // starts its threads, which keep the namespace that they were born in.
  static bool HasOwnMounts() {
    static const bool has = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
    return has;
  }

  void SetUp() override {
    if (!HasOwnMounts()) GTEST_SKIP() << "no namespaces";
    ASSERT_OK(FileSystem::System().MakeDirectories(options_.directory, 0700));
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("smelt-test", options_.directory.c_str(), "tmpfs", 0, "size=8m") != 0) {
      GTEST_SKIP() << "may not mount";
    }
    mounted_ = true;
    Open();
  }

  void Resize(const std::string& size) {
    ASSERT_EQ(::mount("smelt-test", options_.directory.c_str(), "tmpfs", MS_REMOUNT, ("size=" + size).c_str()), 0);
  }

  void TearDown() override {
    store_.reset();
    if (mounted_) ::umount2(options_.directory.c_str(), MNT_DETACH);
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

  bool mounted_ = false;
};

TEST_P(RocksStoreFullDiskTest, KeepsWhatItAcknowledgedAndGoesOnOnceThereIsRoom) {
  const int count = PutUntilFull();
  EXPECT_GT(count, 10);
  ExpectAllThere(count);
  EXPECT_TRUE(FileSystem::System().List(store_->staging_directory())->empty());
  Resize("32m");
  EXPECT_OK(TryPut(Contents(GetParam(), 1'000'000)));
  EXPECT_OK(store_->actions().Of("main")->Put(DigestOf("action"), Result("x")));
  EXPECT_FALSE(store_->GetUsage().read_only);
  Open();
  ExpectAllThere(count);
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
