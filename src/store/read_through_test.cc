#include "src/store/read_through.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/action_cache_contract_test.h"
#include "src/store/blob_store_contract_test.h"
#include "src/store/memory/memory_action_caches.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Blobs {
  MemoryBlobStore near, far;
  ReadThroughBlobStore store{near, near, far};
};

struct Results {
  MemoryActionCaches near, far;
  ReadThroughActionCaches caches{near, near, far};
  std::shared_ptr<ActionCache> cache = caches.Of("");
};

INSTANTIATE_TEST_SUITE_P(ReadThrough, BlobStoreContractTest, testing::Values([]() -> std::shared_ptr<BlobStore> {
                           auto blobs = std::make_shared<Blobs>();
                           return {blobs, &blobs->store};
                         }));
INSTANTIATE_TEST_SUITE_P(ReadThrough, ActionCacheContractTest, testing::Values([]() -> std::shared_ptr<ActionCache> {
                           auto results = std::make_shared<Results>();
                           return {results, results->cache.get()};
                         }));

TEST(ReadThroughBlobStore, WhatIsFarIsReadOnceAndKeptNear) {
  Blobs blobs;
  ASSERT_OK(blobs.far.Put(DigestOf("a"), Bytes("a")));
  EXPECT_EQ(*blobs.store.Get(DigestOf("a"))->ReadAll(), "a");
  blobs.far.Forget(DigestOf("a"));
  EXPECT_EQ(*blobs.store.Get(DigestOf("a"))->ReadAll(), "a");
}

TEST(ReadThroughBlobStore, WhatIsFetchedIsKeptThroughItsOwnView) {
  MemoryBlobStore near, fetched, far;
  ReadThroughBlobStore store(near, fetched, far);
  ASSERT_OK(far.Put(DigestOf("a"), Bytes("a")));
  EXPECT_EQ(*store.Get(DigestOf("a"))->ReadAll(), "a");
  ASSERT_OK(store.Put(DigestOf("b"), Bytes("b")));
  EXPECT_THAT(fetched.FindMissing({DigestOf("a"), DigestOf("b")}), IsOkAndHolds(ElementsAre(DigestOf("b"))));
  EXPECT_THAT(near.FindMissing({DigestOf("a"), DigestOf("b")}), IsOkAndHolds(ElementsAre(DigestOf("a"))));
}

TEST(ReadThroughBlobStore, PresentIsWhatIsInEither) {
  Blobs blobs;
  ASSERT_OK(blobs.near.Put(DigestOf("near"), Bytes("near")));
  ASSERT_OK(blobs.far.Put(DigestOf("far"), Bytes("far")));
  EXPECT_THAT(blobs.store.FindMissing({DigestOf("near"), DigestOf("none"), DigestOf("far")}),
              IsOkAndHolds(ElementsAre(DigestOf("none"))));
}

TEST(ReadThroughBlobStore, WritesStayNear) {
  Blobs blobs;
  ASSERT_OK(blobs.store.Put(DigestOf("a"), Bytes("a")));
  EXPECT_THAT(blobs.far.FindMissing({DigestOf("a")}), IsOkAndHolds(ElementsAre(DigestOf("a"))));
}

// Answers as a test wants it.
class OddStore : public BlobStore {
 public:
  absl::StatusOr<Bytes> Get(const Digest&) override {
    most = std::max(most.load(), ++inside);
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    --inside;
    if (!status.ok()) return status;
    return Bytes("a");
  }
  absl::Status Put(const Digest&, Bytes) override { return status; }
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest>) override { return status; }

  absl::Status status;
  std::atomic<int> inside{0}, most{0};
};

TEST(ReadThroughBlobStore, AFarStoreThatDoesNotAnswerHoldsNothing) {
  MemoryBlobStore near;
  OddStore far;
  far.status = absl::UnavailableError("down");
  ReadThroughBlobStore store(near, near, far);
  ASSERT_OK(store.Put(DigestOf("near"), Bytes("near")));
  EXPECT_OK(store.Get(DigestOf("near")));
  EXPECT_THAT(store.Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store.FindMissing({DigestOf("a"), DigestOf("near")}), IsOkAndHolds(ElementsAre(DigestOf("a"))));
}

TEST(ReadThroughBlobStore, ANearStoreThatIsFullStillServesWhatIsFar) {
  OddStore near;
  near.status = absl::NotFoundError("full");
  MemoryBlobStore far;
  ASSERT_OK(far.Put(DigestOf("a"), Bytes("a")));
  ReadThroughBlobStore store(near, near, far);
  EXPECT_EQ(*store.Get(DigestOf("a"))->ReadAll(), "a");
}

TEST(ReadThroughBlobStore, MissesOfOneBlobShareOneRead) {
  MemoryBlobStore near;
  OddStore far;
  ReadThroughBlobStore store(near, near, far);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_OK(store.Get(DigestOf("a"))); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(far.most, 1);
  EXPECT_THAT(near.FindMissing({DigestOf("a")}), IsOkAndHolds(IsEmpty()));
}

TEST(ReadThroughActionCaches, ResultsOfAnInstanceComeFromThatInstance) {
  Results results;
  ActionCache::ActionResult result;
  result.set_exit_code(5);
  ASSERT_OK(results.far.Of("main")->Put(DigestOf("a"), result));
  EXPECT_THAT(results.caches.Of("")->Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(results.caches.Of("main")->Get(DigestOf("a"))->exit_code(), 5);
  EXPECT_EQ(results.near.Of("main")->Get(DigestOf("a"))->exit_code(), 5);
}

}  // namespace
}  // namespace smelt
