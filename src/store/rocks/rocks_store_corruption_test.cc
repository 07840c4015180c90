// Bytes of the store's files changed, or their ends cut off: the store opens, serves nothing wrong, and takes
// everything again.

#include <atomic>
#include <thread>

#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/rocks_store_fixture.h"
#include "src/testing/damage.h"

namespace smelt {
namespace {

constexpr int kBlobs = 12;

class RocksStoreCorruptionFixture : public RocksStoreFixture {
 protected:
  RocksStoreCorruptionFixture() { Open(); }

  static std::string Blob(int number) {
    constexpr std::int64_t kSizes[] = {kTree, kBlobDb, kFile};
    return Contents(kSizes[number % 3], static_cast<unsigned>(number));
  }
  static ActionCache::ActionResult ResultOf(int number) {
    return Result(Contents(kTree, static_cast<unsigned>(number)));
  }

  // True if all of it was taken.
  bool PutAll() {
    bool taken = true;
    for (int number = 0; number < kBlobs; ++number) {
      taken &= TryPut(Blob(number)).ok();
      taken &= store_->actions().Of("main")->Put(DigestOf(std::to_string(number)), ResultOf(number)).ok();
    }
    return taken;
  }

  // How many of the blobs and results are there; all that are, are right.
  int CountRight() {
    int right = 0;
    for (int number = 0; number < kBlobs; ++number) {
      const auto blob = Get(DigestOf(Blob(number)));
      if (blob.ok()) {
        EXPECT_EQ(DigestOf(*blob), DigestOf(Blob(number)));
        ++right;
      } else {
        EXPECT_TRUE(absl::IsNotFound(blob.status()) || absl::IsDataLoss(blob.status())) << blob.status();
        EXPECT_FALSE(Has(DigestOf(Blob(number))));
      }
      const auto result = store_->actions().Of("main")->Get(DigestOf(std::to_string(number)));
      if (result.ok()) {
        EXPECT_EQ(result->SerializeAsString(), ResultOf(number).SerializeAsString());
        ++right;
      } else {
        EXPECT_THAT(result, StatusIs(absl::StatusCode::kNotFound));
      }
    }
    return right;
  }

  std::string DatabaseDirectory() const { return options_.directory + "/db"; }

  // Databases that were set aside.
  int Aside() {
    int aside = 0;
    const auto names = files_.List(options_.directory);
    EXPECT_OK(names);
    for (const std::string& name : *names) aside += name.starts_with("db.broken-") ? 1 : 0;
    return aside;
  }
};

class RocksStoreCorruptionTest : public RocksStoreCorruptionFixture, public testing::WithParamInterface<unsigned> {
 protected:
  void FlushToTables() {
    ASSERT_OK_AND_ASSIGN(const auto database, RocksDatabase::Open(DatabaseDirectory(), files_, clock_));
    ASSERT_OK(database->FlushMemtables());
  }

  // What was met is set aside.
  void ExpectHeals() {
    bool taken = false;
    for (int restart = 0; restart < 3 && !taken; ++restart) {
      OpenOnly();
      CountRight();
      taken = PutAll();
    }
    EXPECT_TRUE(taken);
    EXPECT_EQ(CountRight(), 2 * kBlobs);
    OpenOnly();
    EXPECT_TRUE(PutAll());
    EXPECT_EQ(CountRight(), 2 * kBlobs);
  }
};

TEST_P(RocksStoreCorruptionTest, OfTheLog) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  DamageOne(DatabaseDirectory(), ".log", random);
  ExpectHeals();
}

TEST_P(RocksStoreCorruptionTest, OfTheTables) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  FlushToTables();
  DamageOne(DatabaseDirectory(), ".sst", random);
  ExpectHeals();
}

TEST_P(RocksStoreCorruptionTest, OfTheBlobDb) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  FlushToTables();
  DamageOne(DatabaseDirectory(), ".blob", random);
  ExpectHeals();
}

TEST_P(RocksStoreCorruptionTest, OfAnythingInTheDatabase) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  FlushToTables();
  DamageOne(DatabaseDirectory(), "", random);
  ExpectHeals();
}

TEST_P(RocksStoreCorruptionTest, OfTheFiles) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  DamageOne(options_.directory + "/files", "", random);
  OpenOnly();
  EXPECT_EQ(CountRight(), 2 * kBlobs - 1);
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(CountRight(), 2 * kBlobs);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RocksStoreCorruptionTest, testing::Range(0u, 8u));

// Corruption that is met by RocksDB's own work while the store is open: RocksDB takes no writes from then on.
class RocksStoreInUseTest : public RocksStoreCorruptionFixture {
 protected:
  void MeetCorruption() {
    ASSERT_OK(store_->CompactForTest());
    OverwriteAll(DatabaseDirectory(), ".sst");
    EXPECT_FALSE(store_->CompactForTest().ok());
  }
};

TEST_F(RocksStoreInUseTest, IsHealthyAgainWithoutARestart) {
  EXPECT_TRUE(PutAll());
  MeetCorruption();
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(CountRight(), 2 * kBlobs);
  EXPECT_EQ(Aside(), 1);
  Open();
  EXPECT_EQ(CountRight(), 2 * kBlobs);
}

TEST_F(RocksStoreInUseTest, BlobsThatAreFilesStayAndAllElseIsAMiss) {
  options_.outbox = true;
  Open();
  EXPECT_TRUE(PutAll());
  MeetCorruption();
  EXPECT_EQ(CountRight(), kBlobs / 3);
  EXPECT_EQ(store_->GetUsage().bytes, kBlobs / 3 * kFile);
  EXPECT_EQ(store_->GetUsage().corrupt_blobs, 0);
  EXPECT_THAT(*store_->outbox()->Next(0, 100), testing::SizeIs(kBlobs / 3));  // the bucket may not have them yet
  Open();
  EXPECT_EQ(CountRight(), kBlobs / 3);
  EXPECT_EQ(store_->outbox()->Pending().entries, kBlobs / 3);
}

TEST_F(RocksStoreInUseTest, CorruptionThatAReadMeetsIsMendedToo) {
  const Digest digest = Put(Blob(0));
  ASSERT_OK(store_->CompactForTest());
  Open();
  OverwriteAll(DatabaseDirectory(), ".sst");
  EXPECT_FALSE(Get(digest).ok());
  EXPECT_FALSE(Has(digest));
  Put(Blob(0));
  EXPECT_THAT(Get(digest), IsOkAndHolds(Blob(0)));
  EXPECT_OK(store_->CompactForTest());
}

TEST_F(RocksStoreInUseTest, WhileItCannotBeMendedNothingIsAcknowledged) {
  EXPECT_TRUE(PutAll());
  files_.Inject({.call = FaultyFileSystem::Call::kRename, .path_contains = "broken"});
  MeetCorruption();
  for (std::int64_t size : {kTree, kBlobDb, kFile}) {
    EXPECT_THAT(TryPut(Contents(size, 1000)), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_FALSE(Has(DigestOf(Contents(size, 1000))));
  }
  EXPECT_THAT(store_->actions().Of("main")->Put(DigestOf("an action"), Result("")),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(store_->GetUsage().read_only);
  files_.Heal();
  clock_.AdvanceSeconds(1);
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(CountRight(), 2 * kBlobs);
  EXPECT_FALSE(store_->GetUsage().read_only);
}

TEST_F(RocksStoreInUseTest, OnlyTheLastDatabaseIsKept) {
  for (int time = 0; time < 3; ++time) {
    EXPECT_TRUE(PutAll());
    MeetCorruption();
    clock_.AdvanceSeconds(1);
  }
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(Aside(), 1);
}

TEST_F(RocksStoreInUseTest, WhatWasSetAsideGoesBeforeTheStoreIsFull) {
  constexpr unsigned kMany = 60;
  options_.limit_bytes = kMany * kBlobDb * 3 / 2;
  Open();
  for (unsigned number = 0; number < kMany; ++number) Put(Contents(kBlobDb, number));
  MeetCorruption();
  for (unsigned number = 0; number < kMany; ++number) Put(Contents(kBlobDb, kMany + number));
  EXPECT_EQ(Aside(), 0);
  EXPECT_EQ(store_->GetUsage().blobs, kMany);
}

TEST_F(RocksStoreInUseTest, NothingWrongIsServedMeanwhile) {
  std::atomic<bool> done = false;
  std::atomic<int> rounds = 0;
  std::vector<std::thread> users;
  for (int user = 0; user < 4; ++user) {
    users.emplace_back([&, user] {
      for (int number = user; !done; ++number, ++rounds) {
        const std::string contents = Blob(number);
        TryPut(contents).IgnoreError();
        const auto got = Get(DigestOf(contents));
        if (got.ok()) {
          EXPECT_EQ(DigestOf(*got), DigestOf(contents));
        }
      }
    });
  }
  for (int time = 0; time < 3; ++time) {
    EXPECT_TRUE(PutAll());
    store_->CompactForTest().IgnoreError();
    OverwriteAll(DatabaseDirectory(), ".sst");
    store_->CompactForTest().IgnoreError();
    clock_.AdvanceSeconds(1);
  }
  done = true;
  for (std::thread& user : users) user.join();
  EXPECT_GT(rounds, 0);
  PutAll();
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(CountRight(), 2 * kBlobs);
}

}  // namespace
}  // namespace smelt
