#include "src/store/rocks/rocks_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/store/rocks/rocks_store_fixture.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RocksStoreTest : public RocksStoreFixture {
 protected:
  RocksStoreTest() { Open(); }

  // An unnamed file of the staging area.
  UniqueFd Unnamed(const std::string& contents) {
    UniqueFd fd(::open(store_->staging_directory().c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    EXPECT_EQ(::write(fd.get(), contents.data(), contents.size()), static_cast<ssize_t>(contents.size()));
    return fd;
  }

  std::string PathOf(const Digest& digest) const {
    return options_.directory + "/files/" + digest.Hex().substr(0, 2) + "/" + digest.Hex();
  }
};

TEST_F(RocksStoreTest, HoldsEverythingAfterARestart) {
  for (std::int64_t size : {kTree, kBlobDb, kFile}) Put(Contents(size));
  ASSERT_OK(store_->actions().Of("main")->Put(DigestOf("action"), Result("out")));
  const RocksStore::Usage before = store_->GetUsage();
  EXPECT_EQ(before.blobs, 3);
  EXPECT_EQ(before.actions, 1);
  Open();
  const RocksStore::Usage after = store_->GetUsage();
  EXPECT_EQ(after.blobs, 3);
  EXPECT_EQ(after.actions, 1);
  EXPECT_EQ(after.bytes, before.bytes);
  for (std::int64_t size : {kTree, kBlobDb, kFile}) {
    EXPECT_THAT(Get(DigestOf(Contents(size))), IsOkAndHolds(Contents(size)));
  }
  ASSERT_OK_AND_ASSIGN(const auto result, store_->actions().Of("main")->Get(DigestOf("action")));
  EXPECT_EQ(result.stdout_raw(), "out");
}

TEST_F(RocksStoreTest, FindsBlobsAfterItsBordersHaveMoved) {
  for (std::int64_t size : {kTree, kBlobDb, kFile}) Put(Contents(size));
  options_.lsm_bytes_max = 100;
  options_.blob_bytes_max = 200;
  Open();
  for (std::int64_t size : {kTree, kBlobDb, kFile}) {
    EXPECT_THAT(Get(DigestOf(Contents(size))), IsOkAndHolds(Contents(size)));
  }
}

TEST_F(RocksStoreTest, IsOneProcessesAtATime) {
  const auto second = RocksStore::Open(options_, files_, clock_);
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(options_.directory)));
}

TEST_F(RocksStoreTest, GivesAnUnnamedFileItsName) {
  const std::string contents = Contents(kFile);
  UniqueFd fd = Unnamed(contents);
  struct stat unnamed, named;
  ASSERT_EQ(::fstat(fd.get(), &unnamed), 0);
  files_.ResetCounts();
  ASSERT_OK(store_->blobs().Put(DigestOf(contents), Bytes(std::move(fd), kFile)));
  ASSERT_EQ(::stat(PathOf(DigestOf(contents)).c_str(), &named), 0);
  EXPECT_EQ(named.st_ino, unnamed.st_ino);
  EXPECT_EQ(named.st_mode & 07777, 0444u);
  EXPECT_EQ(files_.Count(FaultyFileSystem::Call::kCopyToNewFile), 0);
  EXPECT_THAT(Get(DigestOf(contents)), IsOkAndHolds(contents));
}

TEST_F(RocksStoreTest, RefusesAnUnnamedFileThatIsSomethingElse) {
  const Digest other = DigestOf(Contents(kFile, 2));
  EXPECT_THAT(store_->blobs().Put(other, Bytes(Unnamed(Contents(kFile)), kFile)),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_FALSE(Has(other));
}

TEST_F(RocksStoreTest, PutsAFileWhereOneWithoutARowLies) {
  const std::string contents = Contents(kFile);
  ASSERT_OK(FileSystem::System().WriteNewFile(PathOf(DigestOf(contents)), "torn", 0600));
  ASSERT_OK(store_->blobs().Put(DigestOf(contents), Bytes(Unnamed(contents), kFile)));
  EXPECT_THAT(Get(DigestOf(contents)), IsOkAndHolds(contents));
}

TEST_F(RocksStoreTest, EmptiesItsStagingAreaAndRemovesFilesWithoutRowsWhenOpened) {
  const std::string contents = Contents(kFile);
  ASSERT_OK(FileSystem::System().WriteNewFile(store_->staging_directory() + "/left", "x", 0600));
  ASSERT_OK(FileSystem::System().WriteNewFile(PathOf(DigestOf(contents)), contents, 0600));
  Open();
  EXPECT_THAT(FileSystem::System().List(store_->staging_directory()), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(FileSystem::System().Stat(PathOf(DigestOf(contents))), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(Has(DigestOf(contents)));
}

TEST_F(RocksStoreTest, AFileThatIsGoneIsMissingAfterARestart) {
  const Digest digest = Put(Contents(kFile));
  ASSERT_OK(FileSystem::System().Remove(PathOf(digest)));
  Open();
  EXPECT_FALSE(Has(digest));
  EXPECT_EQ(store_->GetUsage().bytes, 0);
}

TEST_F(RocksStoreTest, AChangedFileIsDataLossAndHealsByAnUpload) {
  const std::string contents = Contents(kFile);
  const Digest digest = Put(contents);
  std::string changed = contents;
  changed[500] ^= 1;
  ASSERT_OK(FileSystem::System().Remove(PathOf(digest)));
  ASSERT_OK(FileSystem::System().WriteNewFile(PathOf(digest), changed, 0444));
  EXPECT_THAT(Get(digest), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(Has(digest));
  EXPECT_EQ(store_->GetUsage().corrupt_blobs, 1);
  Put(contents);
  EXPECT_THAT(Get(digest), IsOkAndHolds(contents));
}

TEST_F(RocksStoreTest, AFileChangedWhileTheStoreWasClosedIsDataLoss) {
  const std::string contents = Contents(kFile);
  const Digest digest = Put(contents);
  store_.reset();
  ASSERT_OK(FileSystem::System().SetMode(PathOf(digest), 0644));
  UniqueFd fd(::open(PathOf(digest).c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), "changed", 7, 1000), 7);
  Open();
  EXPECT_THAT(Get(digest), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(RocksStoreTest, ResultsBelongToTheirInstance) {
  const auto main = store_->actions().Of("main"), other = store_->actions().Of("pr/7"), none = store_->actions().Of("");
  ASSERT_OK(main->Put(DigestOf("a"), Result("main")));
  EXPECT_THAT(other->Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(none->Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(other->Put(DigestOf("a"), Result("other")));
  EXPECT_EQ(main->Get(DigestOf("a"))->stdout_raw(), "main");
  EXPECT_EQ(store_->actions().Of("pr/7")->Get(DigestOf("a"))->stdout_raw(), "other");
  EXPECT_EQ(store_->GetUsage().actions, 2);
}

TEST_F(RocksStoreTest, AResultPutAgainCountsOnce) {
  const auto cache = store_->actions().Of("main");
  ASSERT_OK(cache->Put(DigestOf("a"), Result("a long one")));
  ASSERT_OK(cache->Put(DigestOf("a"), Result("short")));
  EXPECT_EQ(store_->GetUsage().actions, 1);
  EXPECT_EQ(store_->GetUsage().bytes, static_cast<std::int64_t>(Result("short").ByteSizeLong()));
}

TEST_F(RocksStoreTest, HasNoOutboxUnlessAsked) { EXPECT_EQ(store_->outbox(), nullptr); }

class RocksOutboxTest : public RocksStoreFixture {
 protected:
  RocksOutboxTest() {
    options_.outbox = true;
    Open();
  }
  std::vector<Outbox::Entry> Next(std::uint64_t after = 0) { return *store_->outbox()->Next(after, 100); }
};

TEST_F(RocksOutboxTest, NamesWhatWasWrittenInItsOrder) {
  const Digest blob = Put(Contents(kTree)), file = Put(Contents(kFile));
  clock_.AdvanceSeconds(5);
  ASSERT_OK(store_->actions().Of("main")->Put(DigestOf("a"), Result("x")));
  const auto entries = Next();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].digest, blob);
  EXPECT_EQ(entries[1].digest, file);
  EXPECT_EQ(entries[2].digest, DigestOf("a"));
  EXPECT_EQ(entries[2].kind, Outbox::Kind::kAction);
  EXPECT_EQ(entries[2].instance, "main");
  EXPECT_EQ(entries[2].since_seconds, clock_.NowNanos() / 1'000'000'000);
  EXPECT_EQ(Next(entries[0].sequence).size(), 2u);
  EXPECT_EQ(store_->outbox()->Next(0, 2)->size(), 2u);
  const Outbox::Backlog backlog = store_->outbox()->Pending();
  EXPECT_EQ(backlog.entries, 3);
  EXPECT_EQ(backlog.bytes, kTree + kFile + static_cast<std::int64_t>(Result("x").ByteSizeLong()));
  EXPECT_EQ(backlog.oldest_seconds, 5);
}

TEST_F(RocksOutboxTest, WhatCameFromTheBucketIsNotBroughtThere) {
  for (const int size : {kTree, kBlobDb, kFile}) {
    const std::string contents = Contents(size);
    ASSERT_OK(store_->fetched_blobs().Put(DigestOf(contents), Bytes(contents)));
    EXPECT_THAT(store_->blobs().Get(DigestOf(contents))->ReadAll(), IsOkAndHolds(contents));
  }
  ASSERT_OK(store_->fetched_actions().Of("main")->Put(DigestOf("a"), Result("x")));
  EXPECT_OK(store_->actions().Of("main")->Get(DigestOf("a")));
  EXPECT_THAT(Next(), testing::IsEmpty());
  EXPECT_EQ(store_->outbox()->Pending().entries, 0);
  ASSERT_OK(store_->fetched_actions().Of("main")->Get(DigestOf("a")));
  Open();
  EXPECT_THAT(store_->fetched_blobs().FindMissing({DigestOf(Contents(kFile))}), IsOkAndHolds(testing::IsEmpty()));
  EXPECT_THAT(Next(), testing::IsEmpty());
}

TEST_F(RocksOutboxTest, SurvivesARestartAndForgetsWhatIsConfirmed) {
  Put(Contents(kTree, 1));
  Put(Contents(kTree, 2));
  Open();
  auto entries = Next();
  ASSERT_EQ(entries.size(), 2u);
  ASSERT_OK(store_->outbox()->Confirm({entries[0].sequence, entries[0].sequence, 12345}));
  EXPECT_EQ(store_->outbox()->Pending().entries, 1);
  ASSERT_OK(store_->outbox()->Confirm({entries[0].sequence}));
  EXPECT_EQ(store_->outbox()->Pending().entries, 1);
  Open();
  EXPECT_EQ(store_->outbox()->Pending().entries, 1);
  EXPECT_EQ(store_->outbox()->Pending().bytes, kTree);
  Put(Contents(kTree, 3));
  EXPECT_GT(Next().back().sequence, entries[1].sequence);
}

TEST_F(RocksOutboxTest, ABlobPutAgainIsNotNamedAgain) {
  Put(Contents(kTree));
  Put(Contents(kTree));
  EXPECT_EQ(Next().size(), 1u);
}

TEST_F(RocksOutboxTest, KeepsWhatItNamesUntilItIsConfirmed) {
  const Digest blob = Put(Contents(kTree));
  ASSERT_OK(store_->actions().Of("main")->Put(DigestOf("a"), Result("x")));
  for (bool reopen : {false, true}) {
    if (reopen) Open();
    clock_.AdvanceSeconds(100 * kHour);
    ASSERT_OK_AND_ASSIGN(const auto report, store_->Collect(false, 0));
    EXPECT_EQ(report.blobs_removed + report.actions_removed, 0);
  }
  for (const Outbox::Entry& entry : Next()) ASSERT_OK(store_->outbox()->Confirm({entry.sequence}));
  ASSERT_OK_AND_ASSIGN(const auto report, store_->Collect(false, 0));
  EXPECT_EQ(report.blobs_removed, 1);
  EXPECT_EQ(report.actions_removed, 1);
  EXPECT_FALSE(Has(blob));
}

TEST_F(RocksOutboxTest, WhatTheBucketHasNotGotFillsTheCache) {
  options_.limit_bytes = 5 * kTree;
  Open();
  const Digest first = Put(Contents(kTree, 1));
  for (unsigned seed = 2; seed <= 5; ++seed) Put(Contents(kTree, seed));
  clock_.AdvanceSeconds(100 * kHour);  // nothing is leased any more
  EXPECT_THAT(TryPut(Contents(kTree, 6)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("the bucket has not got yet")));
  EXPECT_TRUE(store_->GetUsage().read_only);
  EXPECT_EQ(store_->GetUsage().blobs, 5);
  ASSERT_OK(store_->outbox()->Confirm({Next().front().sequence}));
  EXPECT_OK(TryPut(Contents(kTree, 6)));
  EXPECT_FALSE(store_->GetUsage().read_only);
  EXPECT_FALSE(Has(first));
  for (unsigned seed = 2; seed <= 6; ++seed) EXPECT_TRUE(Has(DigestOf(Contents(kTree, seed)))) << seed;
}

}  // namespace
}  // namespace smelt
