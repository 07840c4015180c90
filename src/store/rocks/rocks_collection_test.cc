// Leases and eviction, on a clock that the tests move.

#include <array>
#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "src/store/rocks/rocks_store_fixture.h"

namespace smelt {
namespace {

using testing::HasSubstr;

class RocksCollectionTest : public RocksStoreFixture {
 protected:
  static constexpr std::int64_t kLease = 3 * kHour;
  RocksCollectionTest() { Open(); }

  RocksStore::CollectionReport Collect(std::int64_t down_to_bytes, bool dry_run = false) {
    auto report = store_->Collect(dry_run, down_to_bytes);
    EXPECT_OK(report);
    return *report;
  }
};

TEST_F(RocksCollectionTest, LeasesFromAClockThatWasAYearAheadEndInTime) {
  clock_.AdvanceSeconds(365 * 24 * kHour);
  Open();
  Put(Contents(kTree));
  store_.reset();
  clock_.AdvanceSeconds(-365 * 24 * kHour);
  Open();
  EXPECT_EQ(store_->GetUsage().leased_bytes, kTree);
  clock_.AdvanceSeconds(5 * kHour);
  EXPECT_EQ(store_->GetUsage().leased_bytes, 0);
}

TEST_F(RocksCollectionTest, NothingLeasedGoes) {
  for (std::int64_t size : {kTree, kBlobDb, kFile}) Put(Contents(size));
  clock_.AdvanceSeconds(kLease - 1);
  EXPECT_EQ(Collect(0).blobs_removed, 0);
  EXPECT_EQ(store_->GetUsage().leased_bytes, kTree + kBlobDb + kFile);
  clock_.AdvanceSeconds(1);
  EXPECT_EQ(store_->GetUsage().leased_bytes, 0);
  EXPECT_EQ(Collect(0).blobs_removed, 3);
  EXPECT_EQ(store_->GetUsage().bytes, 0);
  for (std::int64_t size : {kTree, kBlobDb, kFile}) {
    EXPECT_THAT(Get(DigestOf(Contents(size))), StatusIs(absl::StatusCode::kNotFound));
  }
}

TEST_F(RocksCollectionTest, EachUseIsALease) {
  const Digest found = Put(Contents(kTree, 1)), read = Put(Contents(kBlobDb, 2)), again = Put(Contents(kFile, 3));
  const auto cache = store_->actions().Of("main");
  ASSERT_OK(cache->Put(DigestOf("hit"), Result("x")));
  const Digest unused = Put(Contents(kTree, 4));
  clock_.AdvanceSeconds(kLease - 1);
  EXPECT_TRUE(Has(found));
  EXPECT_OK(Get(read));
  Put(Contents(kFile, 3));
  EXPECT_OK(cache->Get(DigestOf("hit")));
  clock_.AdvanceSeconds(kLease - 1);
  const auto report = Collect(0);
  EXPECT_EQ(report.blobs_removed, 1);
  EXPECT_EQ(report.actions_removed, 0);
  EXPECT_FALSE(Has(unused));
  EXPECT_TRUE(Has(again));
}

TEST_F(RocksCollectionTest, LeasesSurviveARestart) {
  const Digest old = Put(Contents(kTree, 1)), fresh = Put(Contents(kTree, 2));
  clock_.AdvanceSeconds(2 * kLease);
  EXPECT_TRUE(Has(fresh));
  clock_.AdvanceSeconds(10);
  Open();
  EXPECT_EQ(Collect(0).blobs_removed, 1);
  EXPECT_FALSE(Has(old));
  clock_.AdvanceSeconds(kLease - 11);
  Open();
  EXPECT_EQ(Collect(0).blobs_removed, 0);
  clock_.AdvanceSeconds(2 * kHour);
  Open();
  EXPECT_EQ(Collect(0).blobs_removed, 1);
}

// A copy of the directory while the store is open is what a kill leaves; another boot id is what a power cut leaves.
TEST_F(RocksCollectionTest, AfterAPowerCutEverythingIsLeasedOnce) {
  const Digest digest = Put(Contents(kTree));
  clock_.AdvanceSeconds(2 * kLease);
  const std::string original = options_.directory;
  for (bool power_cut : {false, true}) {
    options_.directory = dir_ / (power_cut ? "cut" : "killed");
    std::filesystem::copy(original, options_.directory, std::filesystem::copy_options::recursive);
    if (power_cut) files_.Inject({.path_contains = "boot_id", .status = absl::NotFoundError("injected")});
    std::unique_ptr<RocksStore> running = std::move(store_);
    Open();
    EXPECT_EQ(Collect(0).blobs_removed, power_cut ? 0 : 1);
    clock_.AdvanceSeconds(kLease);
    EXPECT_EQ(Collect(0).blobs_removed, power_cut ? 1 : 0);
    EXPECT_FALSE(Has(digest));
    store_ = std::move(running);
  }
}

TEST_F(RocksCollectionTest, WhatWasUsedLeastRecentlyGoesFirst) {
  std::vector<Digest> digests;
  for (unsigned seed = 0; seed < 6; ++seed) {
    digests.push_back(Put(Contents(kBlobDb, seed)));
    clock_.AdvanceSeconds(60);
  }
  EXPECT_TRUE(Has(digests[0]));
  clock_.AdvanceSeconds(kLease);
  const auto report = Collect(3 * kBlobDb);
  EXPECT_EQ(report.blobs_removed, 3);
  EXPECT_EQ(report.bytes_before, 6 * kBlobDb);
  EXPECT_EQ(report.bytes_after, 3 * kBlobDb);
  EXPECT_EQ(store_->GetUsage().evicted_last_idle_seconds, kLease + 3 * 60);
  EXPECT_EQ(store_->GetUsage().oldest_use_seconds, kLease + 2 * 60);
  for (std::size_t gone : {1, 2, 3}) EXPECT_FALSE(Has(digests[gone]));
  for (std::size_t here : {0, 4, 5}) EXPECT_TRUE(Has(digests[here]));
}

TEST_F(RocksCollectionTest, TakesNoMoreOfOneSecondThanItMust) {
  for (unsigned seed = 0; seed < 10; ++seed) Put(Contents(kTree, seed));
  clock_.AdvanceSeconds(kLease);
  EXPECT_EQ(Collect(4 * kTree).blobs_removed, 6);
  EXPECT_EQ(Collect(4 * kTree).blobs_removed, 0);
}

TEST_F(RocksCollectionTest, ResultsGoBeforeTheBlobsOfTheirTime) {
  const auto cache = store_->actions().Of("main");
  Put(Contents(kTree));
  ASSERT_OK(cache->Put(DigestOf("old"), Result("x")));
  clock_.AdvanceSeconds(60);
  const Digest kept = Put(Contents(kTree, 2));
  ASSERT_OK(cache->Put(DigestOf("new"), Result("x")));
  clock_.AdvanceSeconds(kLease);
  const auto report = Collect(kTree + 10);
  EXPECT_EQ(report.actions_removed, 1);
  EXPECT_EQ(report.blobs_removed, 1);
  EXPECT_THAT(cache->Get(DigestOf("old")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(cache->Get(DigestOf("new")));
  EXPECT_TRUE(Has(kept));
}

TEST_F(RocksCollectionTest, ADryRunOnlySays) {
  for (std::int64_t size : {kTree, kBlobDb, kFile}) {
    Put(Contents(size));
    clock_.AdvanceSeconds(1);
  }
  clock_.AdvanceSeconds(kLease);
  const auto said = Collect(kFile, /*dry_run=*/true);
  EXPECT_EQ(store_->GetUsage().blobs, 3);
  const auto done = Collect(kFile);
  EXPECT_EQ(said.blobs_removed, done.blobs_removed);
  EXPECT_EQ(said.bytes_after, done.bytes_after);
}

TEST_F(RocksCollectionTest, WithoutATargetGoesToTheLowWatermark) {
  options_.limit_bytes = 10 * kBlobDb;
  Open();
  for (unsigned seed = 0; seed < 9; ++seed) Put(Contents(kBlobDb, seed));
  clock_.AdvanceSeconds(kLease);
  ASSERT_OK_AND_ASSIGN(const auto report, store_->Collect(false, std::nullopt));
  EXPECT_EQ(report.bytes_after, 8 * kBlobDb);
}

TEST_F(RocksCollectionTest, RefusesUploadsWhenLeasesFillTheCacheAndReadsGoOn) {
  options_.limit_bytes = 5 * kBlobDb;
  Open();
  for (unsigned seed = 0; seed < 5; ++seed) Put(Contents(kBlobDb, seed));
  EXPECT_THAT(TryPut(Contents(kBlobDb, 5)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(options_.directory)));
  EXPECT_THAT(store_->actions().Of("main")->Put(DigestOf("a"), Result(Contents(kTree))),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_TRUE(store_->GetUsage().read_only);
  EXPECT_THAT(Get(DigestOf(Contents(kBlobDb, 0))), IsOkAndHolds(Contents(kBlobDb, 0)));
  EXPECT_OK(TryPut(Contents(kBlobDb, 1)));  // it is here
  clock_.AdvanceSeconds(kLease);
  EXPECT_OK(TryPut(Contents(kBlobDb, 5)));
  EXPECT_FALSE(store_->GetUsage().read_only);
  EXPECT_LE(store_->GetUsage().bytes, options_.limit_bytes);
}

TEST_F(RocksCollectionTest, CollectsByItselfWhenUploadsGoOn) {
  options_.limit_bytes = 10 * kBlobDb;
  Open();
  for (unsigned seed = 0; seed < 100; ++seed) {
    Put(Contents(kBlobDb, seed));
    clock_.AdvanceSeconds(kLease);
  }
  EXPECT_LE(store_->GetUsage().bytes, options_.limit_bytes);
  EXPECT_TRUE(Has(DigestOf(Contents(kBlobDb, 99))));
}

TEST_F(RocksCollectionTest, EvictsWhatTheDiskNeeds) {
  for (unsigned seed = 0; seed < 10; ++seed) Put(Contents(kBlobDb, seed));
  clock_.AdvanceSeconds(kLease + kHour);
  ASSERT_OK_AND_ASSIGN(const std::int64_t free_bytes, files_.FreeBytes(options_.directory));
  options_.free_bytes_min = 1LL << 60;
  store_.reset();
  ASSERT_GT(options_.free_bytes_min, free_bytes);
  Open();
  ASSERT_OK(store_->Collect(false, std::nullopt));
  EXPECT_EQ(store_->GetUsage().bytes, 0);
  EXPECT_THAT(TryPut(Contents(kTree)), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk")));
  EXPECT_TRUE(store_->GetUsage().read_only);
}

// Everything at once with a cap of a tenth of the working set: what was found or put is there for as long as its lease.
TEST_F(RocksCollectionTest, NothingIsMissingInsideALeaseWhileEverythingHappensAtOnce) {
  constexpr unsigned kBlobs = 300;
  constexpr int kRounds = 150;
  options_.limit_bytes = kBlobs * kBlobDb / 10;
  options_.lease_seconds = 60;
  Open();
  std::atomic<int> acknowledged = 0, refused = 0;
  std::atomic<bool> stop = false;
  const auto work = [&](unsigned seed) {
    std::mt19937 random(seed);
    for (int round = 0; round < kRounds; ++round) {
      const std::string contents = Contents(std::array{kTree, kBlobDb}[random() % 2], random() % kBlobs);
      const Digest digest = DigestOf(contents);
      const std::int64_t begun_ns = clock_.NowNanos();
      if (!Has(digest)) {
        const absl::Status put = TryPut(contents);
        refused += absl::IsResourceExhausted(put) ? 1 : 0;
        if (!put.ok()) continue;
      }
      const auto got = Get(digest);
      if (clock_.NowNanos() - begun_ns < options_.lease_seconds * 1'000'000'000) {
        ASSERT_THAT(got, IsOkAndHolds(contents));
        ++acknowledged;
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) threads.emplace_back(work, seed);
  std::thread collector([&] {
    while (!stop) {
      EXPECT_OK(store_->Collect(false, 0));
      clock_.AdvanceSeconds(1);
    }
  });
  for (std::thread& thread : threads) thread.join();
  stop = true;
  collector.join();
  EXPECT_GT(acknowledged, 0);
  EXPECT_EQ(store_->GetUsage().corrupt_blobs, 0);
  clock_.AdvanceSeconds(1000);
  Collect(0);
  EXPECT_EQ(store_->GetUsage().bytes, 0);
  Open();
  EXPECT_EQ(store_->GetUsage().blobs, 0);
}

}  // namespace
}  // namespace smelt
