// Random bytes of the store's files changed, or their ends cut off: the store opens, serves nothing wrong, and takes
// everything again.

#include "src/store/local/database.h"
#include "src/store/local/local_store_fixture.h"
#include "src/testing/damage.h"

namespace smelt {
namespace {

constexpr int kBlobs = 8;

class LocalStoreCorruptionFixture : public LocalStoreFixture {
 protected:
  std::string DatabaseDirectory() const { return options_.directory + "/db"; }

  static std::string Blob(int number) {
    return Contents(number % 2 == 0 ? kSmall : kLarge, static_cast<unsigned>(number));
  }

  static ActionCache::ActionResult Result(int number) {
    ActionCache::ActionResult result;
    result.set_stdout_raw(Contents(kSmall, static_cast<unsigned>(number)));
    return result;
  }

  // True if all of it was taken.
  bool PutAll() {
    bool taken = true;
    for (int number = 0; number < kBlobs; ++number) {
      taken &= store_->blobs().Put(DigestOf(Blob(number)), Bytes(Blob(number))).ok();
      taken &= store_->actions().Put(DigestOf(std::to_string(number)), Result(number)).ok();
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
      }
      const auto result = store_->actions().Get(DigestOf(std::to_string(number)));
      if (result.ok()) {
        EXPECT_EQ(result->SerializeAsString(), Result(number).SerializeAsString());
        ++right;
      } else {
        EXPECT_THAT(result, StatusIs(absl::StatusCode::kNotFound));
      }
    }
    return right;
  }
};

class LocalStoreCorruptionTest : public LocalStoreCorruptionFixture, public testing::WithParamInterface<unsigned> {
 protected:
  // What was met is set aside.
  void CheckThatItHeals() {
    constexpr int kRestartsMax = 3;
    bool taken = false;
    for (int restart = 0; restart < kRestartsMax && !taken; ++restart) {
      Open();
      CountRight();
      taken = PutAll();
    }
    EXPECT_TRUE(taken);
    EXPECT_EQ(CountRight(), 2 * kBlobs);
  }
};

TEST_P(LocalStoreCorruptionTest, OfTheDatabasesLog) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  DamageOne(DatabaseDirectory(), "", random);
  CheckThatItHeals();
}

TEST_P(LocalStoreCorruptionTest, OfTheDatabasesTables) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  {
    ASSERT_OK_AND_ASSIGN(const auto database, Database::Open(DatabaseDirectory(), files_, clock_));
    ASSERT_OK(database->Put(Database::Family::kTables, "x", "y"));
    ASSERT_OK(database->FlushMemtables());
  }
  DamageOne(DatabaseDirectory(), "", random);
  CheckThatItHeals();
}

TEST_P(LocalStoreCorruptionTest, OfTheBlobFiles) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  DamageOne(options_.directory + "/blobs", "", random);
  Open();
  EXPECT_EQ(CountRight(), 2 * kBlobs - 1);
  EXPECT_EQ(store_->Usage().corrupt_blobs, 1);
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(CountRight(), 2 * kBlobs);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LocalStoreCorruptionTest, testing::Range(0u, 16u));

// Corruption that is met by RocksDB's own work while the store is open: RocksDB takes no writes from then on.
class LocalStoreInUseTest : public LocalStoreCorruptionFixture {
 protected:
  void MeetCorruption() {
    ASSERT_OK(store_->CompactForTest());
    OverwriteAll(DatabaseDirectory(), ".sst");
    EXPECT_FALSE(store_->CompactForTest().ok());
  }
};

TEST_F(LocalStoreInUseTest, IsHealthyAgainWithoutARestart) {
  Table& table = store_->table("units");
  ASSERT_OK(table.Put("key", "value"));
  EXPECT_TRUE(PutAll());
  MeetCorruption();
  EXPECT_EQ(table.Get("key"), std::nullopt);
  EXPECT_OK(table.Put("key", "value"));
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(CountRight(), 2 * kBlobs);
  EXPECT_EQ(store_->Usage().blobs, kBlobs);
  EXPECT_EQ(store_->Usage().actions, kBlobs);
  Open();
  EXPECT_EQ(CountRight(), 2 * kBlobs);
}

TEST_F(LocalStoreInUseTest, BlobsThatAreFilesStayAndAllElseIsAMiss) {
  EXPECT_TRUE(PutAll());
  MeetCorruption();
  EXPECT_OK(store_->outputs().Restore(DigestOf(Blob(1)), Target("out"), 0644));
  EXPECT_EQ(Read(Target("out")), Blob(1));
  EXPECT_EQ(CountRight(), kBlobs / 2);
  EXPECT_EQ(store_->Usage().corrupt_blobs, 0);
}

TEST_F(LocalStoreInUseTest, WhatWasSetAsideGoesFirstWhenTheStoreIsFull) {
  EXPECT_TRUE(PutAll());
  MeetCorruption();
  EXPECT_TRUE(PutAll());
  options_.limit_bytes = store_->Usage().bytes;
  Open();
  ASSERT_OK(store_->Collect(false, std::nullopt));
  EXPECT_EQ(CountRight(), 2 * kBlobs);
  EXPECT_THAT(List(options_.directory), testing::Each(testing::Not(testing::StartsWith("db.broken-"))));
}

}  // namespace
}  // namespace smelt
