// What a store answers between its opening and the end of its catching up.

#include <atomic>
#include <thread>
#include <vector>

#include "src/store/rocks/rocks_store_fixture.h"

namespace smelt {
namespace {

// Reads of its index only what calls ask for, until CatchUp is called.
class RocksCatchUpTest : public RocksStoreFixture {
 protected:
  static constexpr std::int64_t kLease = 3 * kHour;

  RocksCatchUpTest() {
    options_.catch_up = false;
    Open();
    for (std::int64_t size : {kTree, kBlobDb, kFile}) here_.push_back(Put(Contents(size)));
    EXPECT_OK(store_->actions().Of("main")->Put(DigestOf("action"), Result("out")));
    OpenOnly();
  }

  std::int64_t Collect() { return store_->Collect(false, 0)->blobs_removed; }
  std::size_t InOutbox() { return store_->outbox()->Next(0, 100)->size(); }
  std::string PathOf(const Digest& digest) const {
    return options_.directory + "/files/" + digest.Hex().substr(0, 2) + "/" + digest.Hex();
  }

  std::vector<Digest> here_;
};

TEST_F(RocksCatchUpTest, EveryQuestionHasItsAnswerBefore) {
  const std::string absent = Contents(kTree, 2);
  std::vector<Digest> asked = here_;
  asked.push_back(DigestOf(absent));
  EXPECT_THAT(store_->blobs().FindMissing(asked), IsOkAndHolds(testing::ElementsAre(DigestOf(absent))));
  for (std::int64_t size : {kTree, kBlobDb, kFile}) {
    EXPECT_THAT(Get(DigestOf(Contents(size))), IsOkAndHolds(Contents(size)));
  }
  EXPECT_THAT(Get(DigestOf(absent)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(store_->actions().Of("main")->Get(DigestOf("action"))->stdout_raw(), "out");
  EXPECT_FALSE(store_->GetUsage().counted);
}

TEST_F(RocksCatchUpTest, CountsEverythingAfterwards) {
  EXPECT_EQ(store_->GetUsage().blobs, 0);
  EXPECT_TRUE(Has(here_[0]));
  EXPECT_LT(store_->GetUsage().blobs, 3);
  ASSERT_OK(store_->CatchUp());
  EXPECT_TRUE(store_->GetUsage().counted);
  EXPECT_EQ(store_->GetUsage().blobs, 3);
  EXPECT_EQ(store_->GetUsage().bytes,
            kTree + kBlobDb + kFile + static_cast<std::int64_t>(Result("out").ByteSizeLong()));
}

TEST_F(RocksCatchUpTest, WhatIsHereIsNotTakenInAgain) {
  options_.outbox = true;
  OpenOnly();
  for (std::int64_t size : {kTree, kBlobDb, kFile}) Put(Contents(size));
  EXPECT_EQ(InOutbox(), 0u);
  for (std::int64_t size : {kTree, kBlobDb, kFile}) Put(Contents(size, 2));
  EXPECT_EQ(InOutbox(), 3u);
  ASSERT_OK(store_->CatchUp());
  EXPECT_EQ(store_->GetUsage().blobs, 6);
}

TEST_F(RocksCatchUpTest, CollectionReadsAllFirst) {
  clock_.AdvanceSeconds(kLease + kHour);
  ASSERT_OK_AND_ASSIGN(const auto said, store_->Collect(/*dry_run=*/true, 0));
  EXPECT_EQ(said.blobs_removed, 3);
  EXPECT_TRUE(store_->GetUsage().counted);
  OpenOnly();
  EXPECT_EQ(Collect(), 3);
  OpenOnly();
  EXPECT_FALSE(Has(here_[0]));
}

TEST_F(RocksCatchUpTest, LeasesEndAndBeginAsEver) {
  EXPECT_EQ(Collect(), 0);
  clock_.AdvanceSeconds(kLease + kHour);
  OpenOnly();
  EXPECT_TRUE(Has(here_[1]));
  clock_.AdvanceSeconds(kLease - 1);
  EXPECT_EQ(Collect(), 2);
  OpenOnly();
  EXPECT_TRUE(Has(here_[1]));
}

TEST_F(RocksCatchUpTest, WhatTheOutboxNamesStaysUntilItIsConfirmed) {
  options_.outbox = true;
  Open();
  const Digest named = Put(Contents(kTree, 2));
  clock_.AdvanceSeconds(2 * kLease);
  OpenOnly();
  EXPECT_EQ(Collect(), 3);
  OpenOnly();
  EXPECT_TRUE(Has(named));
  OpenOnly();
  ASSERT_OK(store_->outbox()->Confirm({store_->outbox()->Next(0, 1)->front().sequence}));
  clock_.AdvanceSeconds(2 * kLease);
  EXPECT_EQ(Collect(), 1);
}

TEST_F(RocksCatchUpTest, ABlobWhoseFileIsGoneOrCutOffIsMissing) {
  const Digest cut = Put(Contents(kFile, 2));
  ASSERT_OK(files_.Remove(PathOf(here_[2])));
  ASSERT_OK(files_.Remove(PathOf(cut)));
  ASSERT_OK(files_.WriteNewFile(PathOf(cut), "short", 0444));
  OpenOnly();
  EXPECT_FALSE(Has(here_[2]));
  EXPECT_FALSE(Has(cut));
  ASSERT_OK(store_->CatchUp());
  EXPECT_THAT(files_.Stat(PathOf(cut)), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RocksCatchUpTest, OfTheFilesWithoutRowsThoseGoThatNobodyHasPutSince) {
  const std::string put = Contents(kFile, 2), left = Contents(kFile, 3);
  for (const std::string& contents : {put, left}) {
    ASSERT_OK(files_.WriteNewFile(PathOf(DigestOf(contents)), contents, 0444));
  }
  EXPECT_FALSE(Has(DigestOf(put)));
  Put(put);
  ASSERT_OK(store_->CatchUp());
  EXPECT_THAT(Get(DigestOf(put)), IsOkAndHolds(put));
  EXPECT_THAT(Get(DigestOf(Contents(kFile))), IsOkAndHolds(Contents(kFile)));
  EXPECT_THAT(files_.Stat(PathOf(DigestOf(left))), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RocksCatchUpTest, EverybodyAtOnceWhileItIsUnderWay) {
  constexpr unsigned kBlobs = 400, kUsers = 4;
  for (unsigned seed = 0; seed < kBlobs; ++seed) Put(Contents(100, seed));
  options_.catch_up = true;
  for (unsigned restart = 1; restart <= 3; ++restart) {
    clock_.AdvanceSeconds(kLease + kHour);
    OpenOnly();
    std::vector<std::thread> users;
    for (unsigned user = 0; user < kUsers; ++user) {
      users.emplace_back([&, user] {
        for (unsigned i = 0; i < kBlobs; ++i) {
          const unsigned seed = (i + user * kBlobs / kUsers) % kBlobs;
          EXPECT_TRUE(Has(DigestOf(Contents(100, seed)))) << seed;
          EXPECT_FALSE(Has(DigestOf(Contents(99, restart * kBlobs + seed))));
          Put(Contents(98, seed * restart));
        }
      });
    }
    for (std::thread& user : users) user.join();
    EXPECT_GT(Collect(), 0) << "those of the start and of the round before that nobody uses";
    for (unsigned seed = 0; seed < kBlobs; ++seed) EXPECT_TRUE(Has(DigestOf(Contents(100, seed)))) << seed;
  }
  const RocksStore::Usage usage = store_->GetUsage();
  Open();
  EXPECT_EQ(store_->GetUsage().blobs, usage.blobs);
  EXPECT_EQ(store_->GetUsage().bytes, usage.bytes);
}

}  // namespace
}  // namespace smelt
