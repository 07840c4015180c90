// What a bucket that is damaged, hostile or merely huge may cost its readers.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/memory/memory_object_store.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/s3/bucket_store.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class BucketBoundsTest : public testing::Test {
 protected:
  BucketStoreOptions Still() {
    BucketStoreOptions options;
    options.seal_after_ms = options.retry_ms = 3'600'000;
    options.refresh_on_miss_ms = 0;
    options.log = [this](const std::string& line) { lines_.push_back(line); };
    return options;
  }

  std::unique_ptr<BucketStore> Open(const BucketStoreOptions& options) {
    return std::make_unique<BucketStore>(options, objects_, clock_);
  }
  std::unique_ptr<BucketStore> Open() { return Open(Still()); }

  static void Put(BucketStore& store, const std::string& contents) {
    ASSERT_OK(store.Put(DigestOf(contents), Bytes(contents)));
    ASSERT_OK(store.Flush());
  }

  FakeClock clock_;
  MemoryObjectStore objects_{clock_};
  std::vector<std::string> lines_;
};

void Spoil(std::string& contents) { contents.back() ^= 1; }

TEST_F(BucketBoundsTest, ADamagedIndexIsNamedInTheLogOnce) {
  Put(*Open(), "a");
  const std::string key = objects_.Keys("v1/index/")[0];
  objects_.Change(key, Spoil);
  auto store = Open();
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(store->Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
    clock_.AdvanceSeconds(60);
  }
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("\"" + key + "\" is damaged"), HasSubstr("have its checksum"),
                                        HasSubstr("what no other index names is missing"))));
}

TEST_F(BucketBoundsTest, ADamagedPackOrBlobIsNamedInTheLog) {
  const std::string small = "a blob", large(2 << 20, 'a');
  auto writer = Open();
  Put(*writer, small);
  Put(*writer, large);
  for (const char* prefix : {"v1/packs/", "v1/blobs/"}) {
    const std::string key = objects_.Keys(prefix)[0];
    const std::string& contents = prefix == std::string("v1/packs/") ? small : large;
    objects_.Change(key, Spoil);
    auto store = Open();
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(store->Get(DigestOf(contents)).ok());
    EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("\"" + key + "\" is damaged"),
                                          HasSubstr("blob " + DigestOf(contents).ToString() + " is missing until"))));
    lines_.clear();
  }
}

TEST_F(BucketBoundsTest, APackThatIsCutOrGoneIsNamedInTheLog) {
  Put(*Open(), "a");
  const std::string key = objects_.Keys("v1/packs/")[0];
  objects_.Change(key, [](std::string& contents) { contents.clear(); });
  EXPECT_FALSE(Open()->Get(DigestOf("a")).ok());
  ASSERT_OK(objects_.Delete({key}));
  EXPECT_FALSE(Open()->Get(DigestOf("a")).ok());
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr(key), HasSubstr("shorter"), HasSubstr("all that it held is missing")),
                                  AllOf(HasSubstr(key), HasSubstr("no object"), HasSubstr("all that it held"))));
}

TEST_F(BucketBoundsTest, ManyDamagedObjectsAreFewLines) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK(objects_.Put("v1/index/" + std::to_string(i) + "\nsmelt: all is well", Bytes(std::string("junk"))));
  }
  auto store = Open();
  EXPECT_THAT(store->FindMissing({DigestOf("a")}), IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT(lines_, SizeIs(BucketLog::kLinesPerMinute));
  for (const std::string& line : lines_) EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  clock_.AdvanceSeconds(3600);
  EXPECT_THAT(store->FindMissing({DigestOf("a")}), IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT(lines_, testing::Contains(HasSubstr("30 more objects of the bucket were damaged")));
}

// An index of packs of 400 blobs each that nobody has, sealed so long ago.
bucket::v1::Index IndexOf(int packs, std::int64_t sealed_ns) {
  bucket::v1::Index index;
  for (int i = 0; i < packs; ++i) {
    bucket::v1::Pack& pack = *index.add_packs();
    pack.set_key(PackKey(sealed_ns + i, "stranger"));
    pack.set_sealed_ns(sealed_ns + i);
    pack.set_size(4000);
    for (int j = 0; j < 400; ++j) {
      const Digest name = DigestOf(pack.key() + std::to_string(j));
      bucket::v1::Payload& payload = *pack.add_payloads();
      payload.set_hash(std::string(reinterpret_cast<const char*>(name.hash.data()), name.hash.size()));
      payload.set_size(9);
      payload.set_offset(10 * j);
      payload.set_stored_size(10);
    }
  }
  return index;
}

TEST_F(BucketBoundsTest, WhatDoesNotFitIntoMemoryIsAMissAndSaidOnce) {
  BucketStoreOptions options = Still();
  options.index_bytes_max = 4 << 20;
  Put(*Open(), "old");
  clock_.AdvanceSeconds(100);
  auto store = Open(options);
  Put(*store, "ours");
  clock_.AdvanceSeconds(100);
  for (int i = 0; i < 10; ++i) {
    const std::int64_t now_ns = clock_.NowNanos();
    ASSERT_OK(objects_.Put(IndexKey(now_ns, "stranger"), Bytes(EncodeIndex(IndexOf(50, now_ns)))));
    clock_.AdvanceSeconds(100);
    EXPECT_THAT(store->FindMissing({DigestOf("ours")}), IsOkAndHolds(IsEmpty()));
  }
  EXPECT_THAT(store->Get(DigestOf("old")), StatusIs(absl::StatusCode::kNotFound));
  const BucketStore::Statistics known = store->GetStatistics();
  EXPECT_LE(known.index_bytes, 4 << 20);
  EXPECT_GT(known.left_out, 100'000);
  EXPECT_EQ(known.payloads + known.left_out, 10 * 50 * 400 + 2);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("count as missing: its index may take 4 MiB of memory (index_memory)")));
  EXPECT_THAT(Open(options)->FindMissing({DigestOf("old")}), IsOkAndHolds(SizeIs(1)));
}

// A bucket of which one index does not come before it is let through.
class SlowIndexTest : public BucketBoundsTest {
 protected:
  ~SlowIndexTest() override { let_through_ = true; }

  void Withhold(const std::string& key) {
    objects_.SetFault([this, key](const std::string& operation, const std::string& which) {
      while (operation == "get" && which == key && !let_through_) std::this_thread::yield();
      return absl::OkStatus();
    });
  }

  // Calls as soon as `known` payloads have been read of the rest, and lets so much time pass that the call goes on.
  void CallMeanwhile(BucketStore& store, std::int64_t known, const std::function<void()>& call) {
    std::thread caller(call);
    while (store.GetStatistics().payloads < known) std::this_thread::yield();
    clock_.AdvanceSeconds(5);
    caller.join();
  }

  std::atomic<bool> let_through_ = false;
};

TEST_F(SlowIndexTest, ACallGoesOnWithWhatHasBeenRead) {
  for (const char* contents : {"old", "new"}) {
    Put(*Open(), contents);
    clock_.AdvanceSeconds(1);
  }
  Withhold(objects_.Keys("v1/index/")[0]);
  auto store = Open();
  CallMeanwhile(*store, 1, [&] { EXPECT_OK(store->Get(DigestOf("new"))); });
  EXPECT_THAT(store->Get(DigestOf("old")), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("still being read")));
  EXPECT_THAT(store->Of("")->Get(DigestOf("any")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(store->FindMissing({DigestOf("old"), DigestOf("new")}), IsOkAndHolds(ElementsAre(DigestOf("old"))));
  EXPECT_EQ(objects_.Count("list"), 2 + 1) << "one reads for all";
  let_through_ = true;
  ASSERT_OK(store->Refresh());
  EXPECT_OK(store->Get(DigestOf("old")));
}

// What condemns it may not have been read: a collection may be deleting it just now.
TEST_F(SlowIndexTest, WhatIsOldIsNotPromisedOnHalfAnIndex) {
  Put(*Open(), "other");
  clock_.AdvanceSeconds(1);
  Put(*Open(), "old");
  clock_.AdvanceSeconds(13 * 3600);
  Put(*Open(), "young");
  const auto objects = objects_.Keys();
  Withhold(objects_.Keys("v1/index/")[0]);
  auto store = Open();
  const std::vector<Digest> both = {DigestOf("old"), DigestOf("young")};
  CallMeanwhile(*store, 2, [&] { EXPECT_THAT(store->FindMissing(both), IsOkAndHolds(ElementsAre(both[0]))); });
  EXPECT_OK(store->Get(both[0])) << "its bytes speak for themselves";
  ASSERT_OK(store->Flush());
  EXPECT_EQ(objects_.Keys(), objects) << "and that is no use which would save it";
  Put(*store, "old");
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(4));
  let_through_ = true;
  ASSERT_OK(store->Refresh());
  EXPECT_THAT(Open()->FindMissing(both), IsOkAndHolds(IsEmpty()));
}

TEST_F(SlowIndexTest, WhoNeedsAllOfItWaits) {
  Put(*Open(), "a");
  Withhold(objects_.Keys("v1/index/")[0]);
  auto store = Open();
  std::thread caller([&] {
    EXPECT_OK(store->Refresh());
    EXPECT_TRUE(let_through_);
    EXPECT_OK(store->Get(DigestOf("a")));
  });
  while (objects_.Count("get") == 0) std::this_thread::yield();
  clock_.AdvanceSeconds(100);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  let_through_ = true;
  caller.join();
}

TEST_F(SlowIndexTest, WhoEndsDoesNotReadTheRest) {
  for (int i = 0; i < 100; ++i) Put(*Open(), std::to_string(i));
  const int before = objects_.Count("get");
  objects_.SetFault([this](const std::string& operation, const std::string&) {
    if (operation == "get") clock_.AdvanceSeconds(1);
    while (operation == "get" && !let_through_) std::this_thread::yield();
    return absl::OkStatus();
  });
  auto store = Open();
  EXPECT_THAT(store->Get(DigestOf("1")), StatusIs(absl::StatusCode::kUnavailable));
  std::thread later([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    let_through_ = true;
  });
  store.reset();
  later.join();
  EXPECT_LT(objects_.Count("get") - before, 50);
}

}  // namespace
}  // namespace smelt
