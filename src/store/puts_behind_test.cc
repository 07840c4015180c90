#include "src/store/puts_behind.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/blob_store_contract_test.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A disk that takes nothing until it is told to.
class SlowStore : public MemoryBlobStore {
 public:
  absl::Status Put(const Digest& digest, Bytes bytes) override {
    ++puts;
    open.wait(false);
    if (!status.ok()) return status;
    return MemoryBlobStore::Put(digest, std::move(bytes));
  }

  void Open() {
    open = true;
    open.notify_all();
  }

  std::atomic<bool> open = false;
  std::atomic<int> puts = 0;
  absl::Status status;
};

struct Both {
  MemoryBlobStore store;
  PutsBehind behind{store, 4 << 20};
};

INSTANTIATE_TEST_SUITE_P(PutsBehind, BlobStoreContractTest, testing::Values([]() -> std::shared_ptr<BlobStore> {
                           auto both = std::make_shared<Both>();
                           return {both, &both->behind};
                         }));

class PutsBehindTest : public testing::Test {
 protected:
  static std::string TextOf(BlobStore& store, const Digest& digest) {
    const auto bytes = store.Get(digest);
    return bytes.ok() ? *bytes->ReadAll() : std::string(bytes.status().message());
  }

  SlowStore store_;
  const Digest a_ = DigestOf("aaaa"), b_ = DigestOf("bbbb"), none_ = DigestOf("none");
};

TEST_F(PutsBehindTest, WhatWaitsIsThereAtOnceAndInTheStoreLater) {
  PutsBehind behind(store_, 8);
  ASSERT_OK(behind.Put(a_, Bytes("aaaa")));
  ASSERT_OK(behind.Put(b_, Bytes("bbbb")));
  EXPECT_EQ(TextOf(behind, a_), "aaaa");
  EXPECT_THAT(behind.FindMissing({a_, none_, b_}), IsOkAndHolds(ElementsAre(none_)));
  EXPECT_THAT(store_.FindMissing({a_, b_}), IsOkAndHolds(ElementsAre(a_, b_)));
  store_.Open();
  behind.Await();
  EXPECT_EQ(TextOf(store_, a_), "aaaa");
  EXPECT_EQ(TextOf(behind, b_), "bbbb");
  EXPECT_THAT(store_.FindMissing({a_, b_}), IsOkAndHolds(IsEmpty()));
}

TEST_F(PutsBehindTest, ABlobWaitsOnce) {
  PutsBehind behind(store_, 8);
  for (int i = 0; i < 5; ++i) ASSERT_OK(behind.Put(a_, Bytes("aaaa")));
  store_.Open();
  behind.Await();
  EXPECT_EQ(store_.puts, 1);
}

TEST_F(PutsBehindTest, WhenMuchWaitsPutWaitsForTheStore) {
  store_.Open();
  PutsBehind none(store_, 3);
  ASSERT_OK(none.Put(a_, Bytes("aaaa")));
  EXPECT_EQ(TextOf(store_, a_), "aaaa") << "it is there when Put returns";
  store_.status = absl::ResourceExhaustedError("full");
  EXPECT_THAT(none.Put(b_, Bytes("bbbb")), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(PutsBehindTest, WhatTheStoreRefusesIsDroppedAndMakesRoom) {
  store_.status = absl::ResourceExhaustedError("full");
  store_.Open();
  PutsBehind behind(store_, 4);
  for (const auto& [digest, text] : {std::pair(a_, "aaaa"), std::pair(b_, "bbbb")}) {
    ASSERT_OK(behind.Put(digest, Bytes(text)));
    behind.Await();
    EXPECT_THAT(behind.Get(digest), StatusIs(absl::StatusCode::kNotFound));
  }
}

TEST_F(PutsBehindTest, EndsWithWhatWaits) {
  {
    PutsBehind behind(store_, 8);
    ASSERT_OK(behind.Put(a_, Bytes("aaaa")));
    ASSERT_OK(behind.Put(b_, Bytes("bbbb")));
    while (store_.puts == 0) std::this_thread::yield();
    store_.Open();
  }
  EXPECT_EQ(TextOf(store_, a_), "aaaa") << "what was under way is not torn";
}

}  // namespace
}  // namespace smelt
