#include "src/store/read_through_parents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/store/action_cache_contract_test.h"
#include "src/store/memory/memory_action_caches.h"

namespace smelt {
namespace {

using testing::ElementsAre;

const std::vector<ParentRule> kRules = {
    {"pr/*", "main"}, {"main", "release"}, {"loop", "loop"}, {"a", "b"}, {"b", "a"}};

// The cache of a child whose parent is there and empty.
std::shared_ptr<ActionCache> MakeChild() {
  struct Held {
    MemoryActionCaches caches;
    ReadThroughParents parents{caches, kRules};
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
  ReadThroughParents parents(caches, kRules);
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

TEST(ReadThroughParents, Ancestry) {
  MemoryActionCaches caches;
  ReadThroughParents parents(caches, kRules);
  EXPECT_THAT(parents.Ancestry("pr/1"), ElementsAre("pr/1", "main", "release"));
  EXPECT_THAT(parents.Ancestry("release"), ElementsAre("release"));
  EXPECT_THAT(parents.Ancestry("loop"), ElementsAre("loop"));
  EXPECT_THAT(parents.Ancestry("a"), ElementsAre("a", "b"));
  EXPECT_THAT(parents.Ancestry(""), ElementsAre(""));
}

}  // namespace
}  // namespace smelt
