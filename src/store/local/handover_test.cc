#include <unistd.h>

#include "src/store/local/local_store_fixture.h"

namespace smelt {
namespace {

// The clock stands still, so the store is never idle: files are made anew by MakeSpares alone.
class HandoverTest : public LocalStoreFixture {
 protected:
  HandoverTest() {
    options_.spares = true;
    options_.hand_over = true;
    options_.spare_limits = {.disk_free_bytes_min = 0, .disk_free_share_min = 0, .despite_reflinks = true};
    Open();
  }

  // Restores the blob and says whether it was copied for that.
  bool RestoreCopies(const Digest& digest, std::string_view name, std::uint32_t mode = 0644) {
    const int copies = files_.Count(Call::kCopyToNewFile);
    EXPECT_OK(store_->outputs().Restore(digest, Target(name), mode));
    EXPECT_EQ(DigestOf(Read(Target(name))), digest);
    EXPECT_EQ(StatOf(Target(name)).mode, mode);
    return files_.Count(Call::kCopyToNewFile) != copies;
  }

  const std::string large_ = Contents(kLarge);
};

TEST_F(HandoverTest, WhatHasArrivedIsNotCopiedForItsFirstRestore) {
  const Digest digest = Put(large_);
  const std::uint64_t inode = StatOf(BlobPath(digest)).inode;
  EXPECT_FALSE(RestoreCopies(digest, "out", 0755));
  EXPECT_EQ(StatOf(Target("out")).inode, inode);
  EXPECT_EQ(store_->Usage().bytes, 0);
}

TEST_F(HandoverTest, TheStoreMakesItselfAnotherFileWhenIdle) {
  const Digest digest = Put(large_);
  EXPECT_FALSE(RestoreCopies(digest, "out"));
  store_->MakeSparesForTest();
  EXPECT_EQ(store_->Usage().bytes, kLarge);
  EXPECT_NE(StatOf(BlobPath(digest)).inode, StatOf(Target("out")).inode);
  Write("out", "something else");
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
}

TEST_F(HandoverTest, WhoeverAsksForItBeforeThatGetsIt) {
  const Digest digest = Put(large_);
  EXPECT_FALSE(RestoreCopies(digest, "out"));
  EXPECT_TRUE(Has(digest));
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
  EXPECT_TRUE(RestoreCopies(digest, "another"));
  EXPECT_NE(StatOf(Target("another")).inode, StatOf(Target("out")).inode);
}

TEST_F(HandoverTest, WhetherItIsHereIsSaidWithoutCopying) {
  const Digest digest = Put(large_);
  EXPECT_FALSE(RestoreCopies(digest, "out"));
  const int copies = files_.Count(Call::kCopyToNewFile);
  EXPECT_TRUE(Has(digest));
  EXPECT_EQ(files_.Count(Call::kCopyToNewFile), copies);
  EXPECT_TRUE(RestoreCopies(digest, "another"));
}

TEST_F(HandoverTest, TwoRestoresHaveTwoFiles) {
  const Digest digest = Put(large_);
  EXPECT_FALSE(RestoreCopies(digest, "out"));
  EXPECT_TRUE(RestoreCopies(digest, "another"));
  EXPECT_NE(StatOf(Target("another")).inode, StatOf(Target("out")).inode);
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
}

TEST_F(HandoverTest, WhatWasChangedInPlaceIsNotTakenBack) {
  for (const bool idle : {true, false}) {
    const std::string contents = Contents(kLarge, idle ? 2 : 3);
    const Digest digest = Put(contents);
    EXPECT_FALSE(RestoreCopies(digest, "out"));
    files_.Heal();
    ASSERT_EQ(::truncate(Target("out").c_str(), kLarge / 2), 0);
    if (idle) store_->MakeSparesForTest();
    EXPECT_FALSE(Has(digest));
    EXPECT_THAT(Get(digest), StatusIs(absl::StatusCode::kNotFound));
    Put(contents);
    EXPECT_THAT(Get(digest), IsOkAndHolds(contents));
  }
  EXPECT_EQ(store_->Usage().corrupt_blobs, 0);
}

TEST_F(HandoverTest, ARemovedTargetDirectoryTakesNothingAway) {
  const Digest digest = Put(large_);
  EXPECT_FALSE(RestoreCopies(digest, "out"));
  ASSERT_OK(FileSystem::System().Remove(Target("out")));
  EXPECT_TRUE(Has(digest));
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
}

TEST_F(HandoverTest, ClosingTheStoreTakesAllBack) {
  const Digest digest = Put(large_);
  EXPECT_FALSE(RestoreCopies(digest, "out"));
  Open();
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
  EXPECT_NE(StatOf(BlobPath(digest)).inode, StatOf(Target("out")).inode);
}

TEST_F(HandoverTest, WhatWasIngestedKeepsItsFile) {
  const auto digest = store_->outputs().Ingest(Write("in", large_));
  ASSERT_OK(digest);
  EXPECT_TRUE(RestoreCopies(*digest, "out"));
  EXPECT_EQ(store_->Usage().bytes, kLarge);
}

TEST_F(HandoverTest, WhatCannotBeLentIsCopied) {
  const std::string contents = Contents(options_.spare_limits.blob_bytes_min - 1);
  EXPECT_TRUE(RestoreCopies(Put(contents), "small"));
  options_.loans = false;
  Open();
  EXPECT_TRUE(RestoreCopies(Put(large_), "large"));
  EXPECT_EQ(store_->Usage().bytes, kLarge + static_cast<std::int64_t>(contents.size()));
}

TEST_F(HandoverTest, AFullDiskLosesOnlyWhatAnotherStoreHas) {
  const Digest digest = Put(large_);
  EXPECT_FALSE(RestoreCopies(digest, "out"));
  files_.Inject({.call = Call::kCopyToNewFile, .status = absl::ResourceExhaustedError("no space left")});
  EXPECT_FALSE(Get(digest).ok());
  files_.Heal();
  EXPECT_EQ(Read(Target("out")), large_);
  Put(large_);
  EXPECT_THAT(Get(digest), IsOkAndHolds(large_));
}

}  // namespace
}  // namespace smelt
