#include "src/store/local/local_store.h"

#include <atomic>
#include <thread>

#include "src/reapi/digests.h"
#include "src/store/digest_key.h"
#include "src/store/local/database.h"
#include "src/store/local/local_store_fixture.h"
#include "src/store/spool.h"

namespace smelt {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;

class LocalStoreTest : public LocalStoreFixture {
 protected:
  using Entries = std::vector<std::pair<std::string, std::string>>;

  static Entries All(Table& table) {
    Entries entries;
    table.ForEach([&entries](std::string_view key, std::string_view value) {
      entries.emplace_back(key, value);
      return true;
    });
    return entries;
  }

  static ActionCache::ActionResult ResultOf(const Digest& output) {
    ActionCache::ActionResult result;
    *result.add_output_files()->mutable_digest() = reapi::ToProto(output);
    return result;
  }

  // A store that holds at most `limit` bytes.
  void OpenWithLimit(std::int64_t limit) {
    options_.limit_bytes = limit;
    Open();
  }

  // Until the store's own thread has brought it down; ends in the test's time-out if it never does.
  void AwaitBytesAtMost(std::int64_t bytes) {
    while (store_->Usage().bytes > bytes) std::this_thread::yield();
  }

  // Changes the database behind the store's back.
  void ChangeDatabase(const std::function<void(Database&)>& change) {
    store_.reset();
    auto database = Database::Open(options_.directory + "/db", files_, clock_);
    ASSERT_OK(database);
    change(**database);
  }
};

TEST_F(LocalStoreTest, EverythingIsThereAgainAfterAReopen) {
  const Digest small = Put(Contents(kSmall)), large = Put(Contents(kLarge));
  ASSERT_OK(store_->actions().Put(DigestOf("action"), ResultOf(large)));
  ASSERT_OK(store_->table("counters").Put("hits", "7"));
  const StoreUsage before = store_->Usage();
  Open();
  EXPECT_THAT(Get(small), IsOkAndHolds(Contents(kSmall)));
  EXPECT_THAT(Get(large), IsOkAndHolds(Contents(kLarge)));
  EXPECT_OK(store_->actions().Get(DigestOf("action")));
  EXPECT_THAT(store_->table("counters").Get("hits"), Optional(std::string("7")));
  EXPECT_EQ(store_->Usage().bytes, before.bytes);
  EXPECT_EQ(store_->Usage().blobs, 2);
  EXPECT_EQ(store_->Usage().actions, 1);
}

TEST_F(LocalStoreTest, ASecondOneIsRefusedAndDoesNoHarm) {
  const Digest digest = Put(Contents(kLarge));
  const auto second = LocalStore::Open(options_, files_, clock_);
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition,
                               AllOf(HasSubstr(options_.directory), HasSubstr("in use"))));
  EXPECT_THAT(Get(digest), IsOkAndHolds(Contents(kLarge)));
}

TEST_F(LocalStoreTest, ADirectoryThatCannotBeWrittenIsNamedWithTheMend) {
  store_.reset();
  for (Call call : {Call::kMakeDirectories, Call::kRemove}) {
    ASSERT_OK(FileSystem::System().WriteNewFile(options_.directory + "/staging/0/left", "", 0600));
    files_.Inject({.call = call, .status = absl::PermissionDeniedError("Read-only file system")});
    EXPECT_THAT(LocalStore::Open(options_, files_, clock_),
                StatusIs(absl::StatusCode::kPermissionDenied,
                         AllOf(HasSubstr(options_.directory), HasSubstr("make it writable"))));
    files_.Heal();
    Open();
    store_.reset();
  }
}

TEST_F(LocalStoreTest, AFileInPlaceOfTheDirectoryIsAnError) {
  options_.directory = Write("file", "x");
  EXPECT_THAT(LocalStore::Open(options_, files_, clock_).status(), Not(IsOk()));
}

TEST_F(LocalStoreTest, LeftoversInTheStagingAreaAreRemoved) {
  store_.reset();
  ASSERT_OK(FileSystem::System().WriteNewFile(options_.directory + "/staging/1/7", "partial", 0444));
  Open();
  EXPECT_THAT(Staging(), IsEmpty());
}

TEST_F(LocalStoreTest, AnotherBorderBetweenSmallAndLargeHidesNothing) {
  const Digest small = Put(Contents(kSmall)), large = Put(Contents(kLarge));
  for (std::int64_t border : {std::int64_t{10}, std::int64_t{1'000'000}}) {
    options_.inline_bytes_max = border;
    Open();
    EXPECT_THAT(Get(small), IsOkAndHolds(Contents(kSmall)));
    EXPECT_THAT(Get(large), IsOkAndHolds(Contents(kLarge)));
    EXPECT_TRUE(Has(small) && Has(large));
    EXPECT_OK(store_->outputs().Restore(small, Target("small"), 0644));
    EXPECT_OK(store_->outputs().Restore(large, Target("large"), 0644));
    EXPECT_EQ(Put(Contents(kSmall)), small);
    EXPECT_EQ(store_->Usage().blobs, 2);
    EXPECT_EQ(store_->Usage().bytes, kSmall + kLarge);
  }
}

TEST_F(LocalStoreTest, TablesAreApartAndInOrder) {
  Table& digests = store_->table("digests");
  Table& units = store_->table("units");
  ASSERT_OK(digests.Put("b", "2"));
  ASSERT_OK(digests.Put(std::string("a\0\xff", 3), "1"));
  ASSERT_OK(digests.Put("", "0"));
  ASSERT_OK(units.Put("b", "other"));
  EXPECT_EQ(All(digests), (Entries{{"", "0"}, {std::string("a\0\xff", 3), "1"}, {"b", "2"}}));
  ASSERT_OK(digests.Put("b", ""));
  EXPECT_THAT(digests.Get("b"), Optional(std::string()));
  ASSERT_OK(digests.Delete("b"));
  ASSERT_OK(digests.Delete("never there"));
  EXPECT_EQ(digests.Get("b"), std::nullopt);
  EXPECT_EQ(All(units), (Entries{{"b", "other"}}));
  EXPECT_EQ(&store_->table("digests"), &digests);
}

TEST_F(LocalStoreTest, ForEachEndsWhenItIsTold) {
  Table& table = store_->table("units");
  for (const char* key : {"a", "b", "c"}) ASSERT_OK(table.Put(key, ""));
  int visited = 0;
  table.ForEach([&visited](std::string_view, std::string_view) { return ++visited < 2; });
  EXPECT_EQ(visited, 2);
}

TEST_F(LocalStoreTest, CountsEachBlobOnce) {
  for (int i = 0; i < 2; ++i) {
    Put(Contents(kSmall));
    Put(Contents(kLarge));
    EXPECT_OK(store_->outputs().Ingest(Write("out", Contents(kLarge))));
    EXPECT_EQ(store_->Usage().blobs, 2);
    EXPECT_EQ(store_->Usage().bytes, kSmall + kLarge);
    Open();
  }
}

TEST_F(LocalStoreTest, CollectsTheLeastRecentlyUsedFirst) {
  std::vector<Digest> blobs;
  for (unsigned i = 0; i < 4; ++i) {
    blobs.push_back(Put(Contents(kLarge, i)));
    clock_.AdvanceSeconds(10);
  }
  EXPECT_EQ(store_->Usage().oldest_use_seconds, 40);
  EXPECT_TRUE(Has(blobs[0]));
  EXPECT_EQ(store_->Usage().oldest_use_seconds, 30);
  ASSERT_OK_AND_ASSIGN(const CollectionReport report, store_->Collect(false, 2 * kLarge));
  EXPECT_EQ(report.blobs_removed, 2);
  EXPECT_EQ(report.bytes_before, 4 * kLarge);
  EXPECT_EQ(report.bytes_after, 2 * kLarge);
  EXPECT_TRUE(Has(blobs[0]));
  EXPECT_FALSE(Has(blobs[1]));
  EXPECT_FALSE(Has(blobs[2]));
  EXPECT_TRUE(Has(blobs[3]));
}

TEST_F(LocalStoreTest, UsesCountAcrossRestartsWithinAnHour) {
  const Digest used = Put(Contents(kLarge, 1));
  clock_.AdvanceSeconds(10);
  const Digest unused = Put(Contents(kLarge, 2));
  clock_.AdvanceSeconds(2 * 3600);
  ASSERT_OK(store_->outputs().Restore(used, Target("out"), 0644));
  Open();
  ASSERT_OK(store_->Collect(false, kLarge));
  EXPECT_TRUE(Has(used));
  EXPECT_FALSE(Has(unused));
}

TEST_F(LocalStoreTest, SmallBlobsAreCollectedToo) {
  const Digest small = Put(Contents(kSmall));
  ASSERT_OK(store_->Collect(false, 0));
  EXPECT_FALSE(Has(small));
  EXPECT_EQ(store_->Usage().bytes, 0);
  EXPECT_EQ(store_->Usage().blobs, 0);
}

TEST_F(LocalStoreTest, ResultsGoWithTheirBlobs) {
  const Digest going = Put(Contents(kLarge, 1));
  clock_.AdvanceSeconds(1);
  const Digest staying = Put(Contents(kLarge, 2));
  ASSERT_OK(store_->actions().Put(DigestOf("going"), ResultOf(going)));
  ASSERT_OK(store_->actions().Put(DigestOf("staying"), ResultOf(staying)));
  ASSERT_OK_AND_ASSIGN(const CollectionReport report, store_->Collect(false, kLarge));
  EXPECT_EQ(report.actions_removed, 1);
  EXPECT_THAT(store_->actions().Get(DigestOf("going")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(store_->actions().Get(DigestOf("staying")));
  EXPECT_EQ(store_->Usage().actions, 1);
}

TEST_F(LocalStoreTest, ADryRunOnlyReports) {
  const Digest digest = Put(Contents(kLarge));
  ASSERT_OK(store_->actions().Put(DigestOf("action"), ResultOf(digest)));
  ASSERT_OK_AND_ASSIGN(const CollectionReport report, store_->Collect(true, 0));
  EXPECT_EQ(report.blobs_removed, 1);
  EXPECT_EQ(report.actions_removed, 1);
  EXPECT_EQ(report.bytes_after, 0);
  EXPECT_TRUE(Has(digest));
  EXPECT_OK(store_->actions().Get(DigestOf("action")));
  EXPECT_EQ(store_->Usage().bytes, kLarge);
}

TEST_F(LocalStoreTest, BelowTheLimitNothingIsCollected) {
  OpenWithLimit(10 * kLarge);
  for (unsigned i = 0; i < 10; ++i) Put(Contents(kLarge, i));
  ASSERT_OK_AND_ASSIGN(const CollectionReport report, store_->Collect(false, std::nullopt));
  EXPECT_EQ(report.blobs_removed, 0);
  EXPECT_EQ(store_->Usage().bytes, 10 * kLarge);
}

TEST_F(LocalStoreTest, AboveTheLimitItCollectsByItselfDownToTheLowWatermark) {
  OpenWithLimit(10 * kLarge);
  for (unsigned i = 0; i < 11; ++i) {
    Put(Contents(kLarge, i));
    clock_.AdvanceSeconds(1);
  }
  AwaitBytesAtMost(8 * kLarge);
  EXPECT_EQ(store_->Usage().bytes, 8 * kLarge);
  EXPECT_FALSE(Has(DigestOf(Contents(kLarge, 2))));
  EXPECT_TRUE(Has(DigestOf(Contents(kLarge, 3))));
}

TEST_F(LocalStoreTest, AStoreOpenedAboveItsLimitCollectsByItself) {
  for (unsigned i = 0; i < 4; ++i) Put(Contents(kLarge, i));
  OpenWithLimit(2 * kLarge);
  AwaitBytesAtMost(kLarge);
  EXPECT_EQ(store_->Usage().blobs, 1);
}

TEST_F(LocalStoreTest, CollectingWhileOthersWorkServesNothingWrong) {
  std::atomic<bool> done = false;
  std::thread collector([&] {
    while (!done) EXPECT_OK(store_->Collect(false, 3 * kLarge));
  });
  std::vector<std::thread> workers;
  for (unsigned worker = 0; worker < 3; ++worker) {
    workers.emplace_back([this, worker] {
      const std::string out = Target(std::to_string(worker));
      for (unsigned round = 0; round < 60; ++round) {
        const std::string contents = Contents(round % 5 == 0 ? kSmall : kLarge, round % 6);
        EXPECT_OK(store_->blobs().Put(DigestOf(contents), Bytes(contents)));
        const absl::Status status = store_->outputs().Restore(DigestOf(contents), out, 0644);
        if (status.ok()) {
          EXPECT_EQ(DigestOf(Read(out)), DigestOf(contents));
        } else {
          EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound));
        }
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  done = true;
  collector.join();
  EXPECT_EQ(store_->Usage().corrupt_blobs, 0);
  ASSERT_OK(store_->Collect(false, 0));
  EXPECT_EQ(store_->Usage().bytes, 0);
}

TEST_F(LocalStoreTest, ABlobFileThatIsGoneIsForgotten) {
  const Digest digest = Put(Contents(kLarge));
  ASSERT_OK(FileSystem::System().Remove(BlobPath(digest)));
  EXPECT_THAT(Get(digest), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(store_->Usage().bytes, 0);
  EXPECT_EQ(store_->Usage().corrupt_blobs, 0);
}

TEST_F(LocalStoreTest, ATruncatedBlobFileIsDataLossThenAbsentThenHealed) {
  const Digest digest = Put(Contents(kLarge));
  ASSERT_OK(FileSystem::System().Remove(BlobPath(digest)));
  ASSERT_OK(FileSystem::System().WriteNewFile(BlobPath(digest), Contents(kLarge).substr(1), 0444));
  EXPECT_THAT(Get(digest), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Get(digest), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(store_->Usage().corrupt_blobs, 1);
  Put(Contents(kLarge));
  EXPECT_THAT(Get(digest), IsOkAndHolds(Contents(kLarge)));
}

TEST_F(LocalStoreTest, ABlobThatIsWrongInTheDatabaseIsDataLossThenAbsentThenHealed) {
  const Digest digest = Put(Contents(kSmall));
  ChangeDatabase([&](Database& database) {
    EXPECT_OK(database.Put(Database::Family::kBlobs, DigestKey(digest), Contents(kSmall, 2)));
  });
  Open();
  EXPECT_THAT(Get(digest), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Get(digest), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(store_->Usage().corrupt_blobs, 1);
  EXPECT_EQ(store_->Usage().bytes, 0);
  Put(Contents(kSmall));
  EXPECT_THAT(Get(digest), IsOkAndHolds(Contents(kSmall)));
}

TEST_F(LocalStoreTest, AResultThatFailsItsChecksumIsForgotten) {
  using Family = Database::Family;
  ASSERT_OK(store_->actions().Put(DigestOf("flipped"), ResultOf(DigestOf("x"))));
  ASSERT_OK(store_->actions().Put(DigestOf("moved"), ResultOf(DigestOf("y"))));
  ASSERT_OK(store_->actions().Put(DigestOf("short"), ResultOf(DigestOf("z"))));
  ChangeDatabase([&](Database& database) {
    std::string value = *database.Get(Family::kActions, DigestKey(DigestOf("flipped"))).value();
    EXPECT_OK(database.Put(Family::kActions, DigestKey(DigestOf("moved")), value));
    value.back() = static_cast<char>(value.back() ^ 1);
    EXPECT_OK(database.Put(Family::kActions, DigestKey(DigestOf("flipped")), value));
    EXPECT_OK(database.Put(Family::kActions, DigestKey(DigestOf("short")), "abc"));
  });
  Open();
  for (const char* action : {"flipped", "moved", "short"}) {
    EXPECT_THAT(store_->actions().Get(DigestOf(action)), StatusIs(absl::StatusCode::kNotFound));
  }
  EXPECT_EQ(store_->Usage().actions, 0);
}

TEST_F(LocalStoreTest, ADatabaseThatCannotBeReadIsPutAsideAndItsFilesAreTakenUpAgain) {
  const Digest small = Put(Contents(kSmall)), large = Put(Contents(kLarge)), stray = Put(Contents(kLarge, 2));
  store_.reset();
  ASSERT_OK(FileSystem::System().Remove(options_.directory + "/db/CURRENT"));
  ASSERT_OK(FileSystem::System().WriteNewFile(options_.directory + "/db/CURRENT", "garbage", 0600));
  Open();
  EXPECT_THAT(List(options_.directory), testing::Contains(testing::StartsWith("db.broken-")));
  EXPECT_EQ(store_->Usage().blobs, 0);
  EXPECT_FALSE(Has(small));
  EXPECT_THAT(Get(large), IsOkAndHolds(Contents(kLarge)));
  EXPECT_EQ(store_->Usage().bytes, kLarge);
  ASSERT_OK(store_->Collect(false, std::nullopt));
  EXPECT_THAT(FileSystem::System().Stat(BlobPath(stray)), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_TRUE(Has(large));
}

TEST_F(LocalStoreTest, OnlyTheLastDatabaseThatWasPutAsideIsKept) {
  for (int i = 0; i < 3; ++i) {
    store_.reset();
    ASSERT_OK(FileSystem::System().Remove(options_.directory + "/db/CURRENT"));
    ASSERT_OK(FileSystem::System().WriteNewFile(options_.directory + "/db/CURRENT", "garbage", 0600));
    Open();
    clock_.AdvanceSeconds(i);
  }
  EXPECT_THAT(List(options_.directory), testing::Contains(testing::StartsWith("db.broken-")).Times(1));
}

TEST_F(LocalStoreTest, AFileWhoseRecordIsOfAnEarlierVersionIsDigestedOnceAndStays) {
  const Digest digest = Put(Contents(kLarge));
  ChangeDatabase([&](Database& database) {
    EXPECT_OK(database.Put(Database::Family::kFiles, DigestKey(digest), std::string(45, '\0')));
  });
  Open();
  files_.ResetCounts();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Has(digest));
  EXPECT_EQ(files_.Count(Call::kOpenForRead), 1);
  EXPECT_EQ(store_->Usage().blobs, 1);
  EXPECT_EQ(store_->Usage().bytes, kLarge);
}

TEST_F(LocalStoreTest, AStrayFileThatIsNotItsBlobIsNotTakenUp) {
  const Digest digest = Put(Contents(kLarge));
  ASSERT_OK(store_->Collect(false, 0));
  ASSERT_OK(FileSystem::System().WriteNewFile(BlobPath(digest), Contents(kLarge, 2), 0444));
  EXPECT_FALSE(Has(digest));
  EXPECT_EQ(store_->Usage().corrupt_blobs, 0);
  EXPECT_THAT(FileSystem::System().Stat(BlobPath(digest)), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(LocalStoreTest, GivesAnUnnamedFileItsName) {
  const Digest digest = DigestOf(Contents(kLarge)), other = DigestOf(Contents(kLarge, 2));
  Spool spool(dir_.path(), 0, Spool::Digesting::kYes);
  ASSERT_OK(spool.Append(Contents(kLarge)));
  ASSERT_OK_AND_ASSIGN(const Bytes unnamed, spool.Finish());
  EXPECT_THAT(store_->blobs().Put(other, unnamed), StatusIs(absl::StatusCode::kInvalidArgument));
  files_.ResetCounts();
  ASSERT_OK(store_->blobs().Put(digest, unnamed));
  EXPECT_EQ(files_.Count(Call::kCopyToNewFile), 0);
  EXPECT_EQ(StatOf(BlobPath(digest)).mode, 0444u);
  EXPECT_THAT(Staging(), IsEmpty());
  EXPECT_THAT(Get(digest), IsOkAndHolds(Contents(kLarge)));
}

}  // namespace
}  // namespace smelt
