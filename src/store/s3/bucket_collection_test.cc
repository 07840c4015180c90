#include "src/store/s3/bucket_collection.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/memory/memory_object_store.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/s3/bucket_store.h"
#include "src/testing/fake_clock.h"
#include "src/testing/peak_memory.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kHour = 3600, kDay = 24 * kHour;

class BucketCollectionTest : public testing::Test {
 protected:
  std::unique_ptr<BucketStore> Open() {
    BucketStoreOptions options;
    options.seal_after_ms = options.retry_ms = 3'600'000;
    options.refresh_on_miss_ms = 0;
    return std::make_unique<BucketStore>(options, objects_, clock_);
  }

  // A pack, or an object, of its own.
  void Write(const std::string& contents) {
    auto store = Open();
    ASSERT_OK(store->Put(DigestOf(contents), Bytes(contents)));
    ASSERT_OK(store->Flush());
  }

  BucketCollectionReport Collect(BucketCollectionOptions options = {}) {
    auto report = CollectBucket(objects_, clock_, options);
    EXPECT_OK(report);
    return report.ok() ? *report : BucketCollectionReport();
  }

  bool IsThere(const std::string& contents) {
    auto store = Open();
    const auto missing = store->FindMissing({DigestOf(contents)});
    EXPECT_OK(missing);
    const bool there = missing.ok() && missing->empty();
    EXPECT_EQ(store->Get(DigestOf(contents)).ok(), there);
    return there;
  }

  FakeClock clock_;
  MemoryObjectStore objects_{clock_};
};

TEST_F(BucketCollectionTest, WhatIsYoungStays) {
  Write("young");
  clock_.AdvanceSeconds(29 * kDay);
  const BucketCollectionReport report = Collect();
  EXPECT_EQ(report.objects_before, 1);
  EXPECT_EQ(report.condemned, 0);
  EXPECT_TRUE(IsThere("young"));
}

TEST_F(BucketCollectionTest, WhatIsOldIsCondemnedThenDeleted) {
  Write("old");
  Write(std::string(2 << 20, 'o'));
  clock_.AdvanceSeconds(31 * kDay);
  Write("young");
  EXPECT_EQ(Collect().condemned, 2);
  EXPECT_FALSE(IsThere("old"));
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(2));
  clock_.AdvanceSeconds(kDay - 1);
  EXPECT_EQ(Collect().waiting, 2);
  clock_.AdvanceSeconds(1);
  const BucketCollectionReport report = Collect();
  EXPECT_EQ(report.deleted, 2);
  EXPECT_GT(report.deleted_bytes, 0);
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(1));
  EXPECT_THAT(objects_.Keys("v1/blobs/"), IsEmpty());
  EXPECT_TRUE(IsThere("young"));
  EXPECT_FALSE(IsThere("old"));
}

TEST_F(BucketCollectionTest, WhatIsUsedStays) {
  Write("used");
  for (int i = 0; i < 4; ++i) {
    clock_.AdvanceSeconds(29 * kDay);
    auto store = Open();
    ASSERT_THAT(store->FindMissing({DigestOf("used")}), IsOkAndHolds(IsEmpty()));
    ASSERT_OK(store->Flush());
    EXPECT_EQ(Collect().condemned, 0);
  }
  EXPECT_TRUE(IsThere("used"));
}

TEST_F(BucketCollectionTest, AUseOfWhatIsYoungWritesNothing) {
  Write("young");
  const auto keys = objects_.Keys();
  clock_.AdvanceSeconds(11 * kHour);
  auto store = Open();
  ASSERT_OK(store->Get(DigestOf("young")));
  ASSERT_OK(store->Flush());
  EXPECT_EQ(objects_.Keys(), keys);
}

// It has not seen that the pack is condemned, and says so of what is in it: the pack must stay.
TEST_F(BucketCollectionTest, AUseByWhoDoesNotKnowSavesWhatIsCondemned) {
  Write("a");
  auto store = Open();
  clock_.AdvanceSeconds(31 * kDay);
  ASSERT_OK(store->Refresh());
  ASSERT_EQ(Collect().condemned, 1);
  ASSERT_THAT(store->FindMissing({DigestOf("a")}), IsOkAndHolds(IsEmpty()));
  clock_.AdvanceSeconds(1);
  ASSERT_OK(store->Flush());
  clock_.AdvanceSeconds(2 * kDay);
  EXPECT_EQ(Collect().deleted, 0);
  EXPECT_TRUE(IsThere("a"));
}

TEST_F(BucketCollectionTest, WhatIsCondemnedIsPutAgainElsewhere) {
  Write("a");
  clock_.AdvanceSeconds(31 * kDay);
  ASSERT_EQ(Collect().condemned, 1);
  Write("a");
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(2));
  clock_.AdvanceSeconds(2 * kDay);
  EXPECT_EQ(Collect().deleted, 1);
  EXPECT_TRUE(IsThere("a"));
}

TEST_F(BucketCollectionTest, TheOldestGoWhileThereIsTooMuch) {
  for (const char* contents : {"first", "secnd", "third"}) {
    Write(contents);
    clock_.AdvanceSeconds(kDay);
  }
  BucketCollectionOptions options;
  options.max_bytes = 10;
  EXPECT_EQ(Collect(options).condemned, 1);
  EXPECT_FALSE(IsThere("first"));
  EXPECT_TRUE(IsThere("secnd"));
  EXPECT_TRUE(IsThere("third"));
}

TEST_F(BucketCollectionTest, WhatMayBeInUseStaysHoweverMuchThereIs) {
  Write("young");
  clock_.AdvanceSeconds(14 * kHour);
  BucketCollectionOptions options;
  options.max_bytes = 0;
  EXPECT_EQ(Collect(options).condemned, 0);
  clock_.AdvanceSeconds(2 * kHour);
  EXPECT_EQ(Collect(options).condemned, 1);
}

TEST_F(BucketCollectionTest, ADryRunChangesNothing) {
  Write("old");
  clock_.AdvanceSeconds(31 * kDay);
  const auto keys = objects_.Keys();
  BucketCollectionOptions options;
  options.dry_run = true;
  EXPECT_EQ(Collect(options).condemned, 1);
  EXPECT_EQ(objects_.Keys(), keys);
}

TEST_F(BucketCollectionTest, WhatNoIndexNamesGoesAfterSomeDays) {
  ASSERT_OK(objects_.Put("v1/packs/00000000000000000001-x", Bytes("orphan")));
  EXPECT_EQ(Collect().deleted, 0);
  clock_.AdvanceSeconds(3 * kDay);
  EXPECT_EQ(Collect().orphans, 1);
  EXPECT_THAT(objects_.Keys("v1/packs/"), IsEmpty());
}

TEST_F(BucketCollectionTest, NothingIsAnOrphanWhileAnIndexCannotBeRead) {
  Write("a");
  objects_.Change(objects_.Keys("v1/index/")[0], [](std::string& contents) { contents[30] ^= 1; });
  clock_.AdvanceSeconds(4 * kDay);
  const BucketCollectionReport report = Collect();
  EXPECT_EQ(report.damaged_indexes, 1);
  EXPECT_EQ(report.deleted, 0);
}

TEST_F(BucketCollectionTest, WhatIsNotOursStaysWhateverAnIndexSays) {
  ASSERT_OK(objects_.Put("somebody/elses", Bytes(std::string("contents"))));
  bucket::v1::Index index;
  bucket::v1::Pack& pack = *index.add_packs();
  pack.set_key("somebody/elses");
  pack.set_sealed_ns(clock_.NowNanos());
  pack.set_size(8);
  ASSERT_OK(objects_.Put(IndexKey(clock_.NowNanos(), "other"), Bytes(EncodeIndex(index))));
  for (int i = 0; i < 2; ++i) {
    clock_.AdvanceSeconds(31 * kDay);
    EXPECT_EQ(Collect().damaged_indexes, 1);
  }
  EXPECT_THAT(objects_.Keys("somebody/"), SizeIs(1));
}

TEST_F(BucketCollectionTest, ManyIndexesBecomeOne) {
  for (int i = 0; i < 70; ++i) Write(std::to_string(i));
  EXPECT_EQ(Collect().indexes_after, 70);  // too young
  clock_.AdvanceSeconds(2 * kHour);
  auto reader = Open();
  ASSERT_OK(reader->Refresh());
  const BucketCollectionReport report = Collect();
  EXPECT_EQ(report.indexes_before, 70);
  EXPECT_EQ(report.indexes_after, 1);
  EXPECT_THAT(objects_.Keys("v1/index/"), SizeIs(1));
  for (int i = 0; i < 70; ++i) EXPECT_TRUE(IsThere(std::to_string(i)));
  clock_.AdvanceSeconds(2 * kHour);
  ASSERT_OK(reader->Refresh());
  EXPECT_EQ(reader->GetStatistics().payloads, 70);
}

TEST_F(BucketCollectionTest, AMergeKeepsWhatIsCondemnedAndWhatWasUsed) {
  Write("old");
  Write("used");
  clock_.AdvanceSeconds(31 * kDay);
  auto store = Open();
  ASSERT_OK(store->Get(DigestOf("used")));
  ASSERT_OK(store->Flush());
  BucketCollectionOptions options;
  options.merge_from = 2;
  ASSERT_EQ(Collect(options).condemned, 1);
  clock_.AdvanceSeconds(2 * kHour);
  Collect(options);
  EXPECT_FALSE(IsThere("old"));
  clock_.AdvanceSeconds(28 * kDay);
  EXPECT_EQ(Collect(options).condemned, 0);
  EXPECT_TRUE(IsThere("used"));
}

TEST_F(BucketCollectionTest, TwoAtOnceDoNoHarm) {
  for (int i = 0; i < 5; ++i) Write("old " + std::to_string(i));
  clock_.AdvanceSeconds(31 * kDay);
  for (int i = 0; i < 5; ++i) Write("young " + std::to_string(i));
  BucketCollectionOptions options;
  options.merge_from = 2;
  // The second runs whole at each point at which the first asks for something.
  for (int day = 0; day < 3; ++day) {
    bool inside = false;
    objects_.SetFault([&](const std::string&, const std::string&) {
      if (!inside) {
        inside = true;
        EXPECT_OK(CollectBucket(objects_, clock_, options));
        inside = false;
      }
      return absl::OkStatus();
    });
    const auto report = CollectBucket(objects_, clock_, options);
    EXPECT_TRUE(report.ok() || absl::IsAborted(report.status())) << report.status();
    objects_.SetFault({});
    clock_.AdvanceSeconds(kDay);
  }
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(IsThere("young " + std::to_string(i)));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(IsThere("old " + std::to_string(i)));
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(5));
}

// It may die between any two requests; what is said to be there is there, and the next run ends the work.
TEST_F(BucketCollectionTest, MayFailAnywhere) {
  for (int i = 0; i < 3; ++i) Write("old " + std::to_string(i));
  clock_.AdvanceSeconds(31 * kDay);
  for (int i = 0; i < 3; ++i) Write("young " + std::to_string(i));
  BucketCollectionOptions options;
  options.merge_from = 2;
  for (int fail_at = 0; fail_at < 40; ++fail_at) {
    int calls = 0;
    objects_.SetFault([&](const std::string&, const std::string&) {
      return ++calls > fail_at ? absl::UnavailableError("down") : absl::OkStatus();
    });
    CollectBucket(objects_, clock_, options).status().IgnoreError();
    objects_.SetFault({});
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(IsThere("young " + std::to_string(i))) << fail_at;
    clock_.AdvanceSeconds(2 * kHour);
  }
  Collect(options);
  clock_.AdvanceSeconds(kDay);
  Collect(options);
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(3));
}

// What it does not know it can neither condemn nor merge, nor tell from what no index names.
TEST_F(BucketCollectionTest, NothingIsCollectedByHalfAnIndex) {
  for (int i = 0; i < 100; ++i) Write("old " + std::to_string(i));
  ASSERT_OK(objects_.Put("v1/packs/00000000000000000001-x", Bytes("orphan")));
  clock_.AdvanceSeconds(31 * kDay);
  const auto objects = objects_.Keys();
  BucketCollectionOptions options;
  options.merge_from = 2;
  options.index_bytes_max = 10'000;
  EXPECT_THAT(CollectBucket(objects_, clock_, options),
              StatusIs(absl::StatusCode::kResourceExhausted, testing::HasSubstr("make index_memory larger")));
  EXPECT_EQ(objects_.Keys(), objects);
  options.index_bytes_max = 100'000;
  EXPECT_EQ(Collect(options).condemned, 100);
}

// Payloads are not held: an index of five million takes no more than one of its packs.
TEST_F(BucketCollectionTest, TakesTheMemoryOfPacksOnly) {
  const std::int64_t sealed_ns = clock_.NowNanos();
  for (int i = 0; i < 4; ++i) {
    bucket::v1::Index index;
    bucket::v1::Pack& pack = *index.add_packs();
    pack.set_key(PackKey(sealed_ns + i, "large"));
    pack.set_sealed_ns(sealed_ns + i);
    pack.set_size(1);
    for (int j = 0; j < 300'000; ++j) pack.add_payloads()->set_hash(std::string(Digest::kHashBytes, 'x'));
    ASSERT_OK(objects_.Put(IndexKey(sealed_ns + i, "large"), Bytes(EncodeIndex(index))));
  }
  const PeakMemory memory;
  EXPECT_EQ(Collect().indexes_after, 4);
  EXPECT_LT(memory.Grown(), 120 << 20);  // all of them: 200 MiB
}

// One that is replaced while it is being merged is not lost.
TEST_F(BucketCollectionTest, AnIndexThatGoesMeanwhileEndsTheMerge) {
  for (int i = 0; i < 3; ++i) Write(std::to_string(i));
  clock_.AdvanceSeconds(2 * kHour);
  const std::string first = objects_.Keys("v1/index/")[0];
  int reads = 0;
  objects_.SetFault([&](const std::string& operation, const std::string& key) {
    const bool again = operation == "get" && key == first && ++reads == 2;
    return again ? absl::NotFoundError("merged") : absl::OkStatus();
  });
  BucketCollectionOptions options;
  options.merge_from = 2;
  EXPECT_THAT(CollectBucket(objects_, clock_, options), StatusIs(absl::StatusCode::kAborted));
  objects_.SetFault({});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(IsThere(std::to_string(i)));
}

TEST_F(BucketCollectionTest, AnAgeThatCannotBeToldIsRefused) {
  BucketCollectionOptions options;
  options.max_age_seconds = 14 * kHour;
  EXPECT_THAT(CollectBucket(objects_, clock_, options), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace smelt
