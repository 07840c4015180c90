#include "src/store/read_through_parents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/reapi/digests.h"
#include "src/store/action_cache_contract_test.h"
#include "src/store/memory/memory_action_caches.h"
#include "src/store/memory/memory_blob_store.h"

namespace smelt {
namespace {

using testing::ElementsAre;

const std::vector<ParentRule> kRules = {
    {"pr/*", "main"}, {"main", "release"}, {"loop", "loop"}, {"a", "b"}, {"b", "a"}};

// The cache of a child whose parent is there and empty.
std::shared_ptr<ActionCache> MakeChild() {
  struct Held {
    MemoryActionCaches caches;
    MemoryBlobStore blobs;
    ReadThroughParents parents{caches, blobs, kRules};
    std::shared_ptr<ActionCache> child = parents.Of("pr/1");
  };
  auto held = std::make_shared<Held>();
  return {held, held->child.get()};
}

INSTANTIATE_TEST_SUITE_P(ReadThroughParents, ActionCacheContractTest, testing::Values(MakeChild));

ActionCache::ActionResult Result(int exit_code) {
  ActionCache::ActionResult result;
  result.set_exit_code(exit_code);
  return result;
}

TEST(ReadThroughParents, ChildrenReadTheirParentsAndNeverTheReverse) {
  MemoryActionCaches caches;
  MemoryBlobStore blobs;
  ReadThroughParents parents(caches, blobs, kRules);
  const Digest action = DigestOf("a");
  ASSERT_OK(parents.Of("pr/1")->Put(action, Result(1)));
  EXPECT_THAT(parents.Of("main")->Get(action), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(parents.Of("pr/2")->Get(action), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(parents.Of("release")->Put(action, Result(3)));
  EXPECT_EQ(parents.Of("pr/2")->Get(action)->exit_code(), 3);
  ASSERT_OK(parents.Of("main")->Put(action, Result(2)));
  EXPECT_EQ(parents.Of("pr/2")->Get(action)->exit_code(), 2);
  EXPECT_EQ(parents.Of("pr/1")->Get(action)->exit_code(), 1);
  EXPECT_EQ(parents.Of("release")->Get(action)->exit_code(), 3);
  EXPECT_THAT(parents.Of("")->Get(action), StatusIs(absl::StatusCode::kNotFound));
}

TEST(ReadThroughParents, AChildsIncompleteResultDoesNotHideItsParents) {
  MemoryActionCaches caches;
  MemoryBlobStore blobs;
  ReadThroughParents parents(caches, blobs, kRules);
  const Digest action = DigestOf("a"), lost = DigestOf("lost"), kept = DigestOf("kept");
  const auto with = [](const Digest& blob) {
    ActionCache::ActionResult result;
    *result.add_output_files()->mutable_digest() = reapi::ToProto(blob);
    return result;
  };
  ASSERT_OK(blobs.Put(lost, Bytes("lost")));
  ASSERT_OK(blobs.Put(kept, Bytes("kept")));
  ASSERT_OK(parents.Of("main")->Put(action, with(kept)));
  ASSERT_OK(parents.Of("pr/1")->Put(action, with(lost)));
  EXPECT_EQ(parents.Of("pr/1")->Get(action)->output_files(0).digest().hash(), lost.Hex());
  blobs.Forget(lost);
  const auto parents_result = parents.Of("pr/1")->Get(action);
  ASSERT_OK(parents_result);
  EXPECT_EQ(parents_result->output_files(0).digest().hash(), kept.Hex());
  blobs.Forget(kept);
  EXPECT_THAT(parents.Of("pr/1")->Get(action), StatusIs(absl::StatusCode::kNotFound));
}

TEST(ReadThroughParents, Ancestry) {
  MemoryActionCaches caches;
  MemoryBlobStore blobs;
  ReadThroughParents parents(caches, blobs, kRules);
  EXPECT_THAT(parents.Ancestry("pr/1"), ElementsAre("pr/1", "main", "release"));
  EXPECT_THAT(parents.Ancestry("release"), ElementsAre("release"));
  EXPECT_THAT(parents.Ancestry("loop"), ElementsAre("loop"));
  EXPECT_THAT(parents.Ancestry("a"), ElementsAre("a", "b"));
  EXPECT_THAT(parents.Ancestry(""), ElementsAre(""));
}

}  // namespace
}  // namespace smelt
