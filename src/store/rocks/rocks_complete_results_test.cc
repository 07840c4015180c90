#include <unistd.h>

#include "src/reapi/digests.h"
#include "src/store/completeness_checking_action_cache.h"
#include "src/store/rocks/rocks_store_fixture.h"

namespace smelt {
namespace {

using build::bazel::remote::execution::v2::Tree;

class RocksCompleteResultsTest : public RocksStoreFixture {
 protected:
  RocksCompleteResultsTest() { Open(); }

  static ActionCache::ActionResult Naming(const std::vector<Digest>& files) {
    ActionCache::ActionResult result;
    for (const Digest& file : files) *result.add_output_files()->mutable_digest() = reapi::ToProto(file);
    return result;
  }

  void PutResult(const ActionCache::ActionResult& result) { ASSERT_OK(store_->actions().Of("")->Put(action_, result)); }

  std::optional<CompleteResults::Result> Find(std::string_view instance = "") {
    return store_->complete_results().Find(instance, action_);
  }

  // Asks the short way and the long one, which must say the same: is it a hit?
  bool IsHit() {
    const auto found = Find();
    const auto cache = store_->actions().Of("");
    const auto expected = CompletenessCheckingActionCache(*cache, store_->blobs()).Get(action_);
    EXPECT_EQ(found.has_value(), expected.ok()) << expected.status();
    if (found.has_value() && expected.ok()) {
      EXPECT_EQ(found->serialized, expected->SerializeAsString());
    }
    return found.has_value();
  }

  void Evict() {
    clock_.AdvanceSeconds(options_.lease_seconds + 2);
    ASSERT_OK(store_->Collect(/*dry_run=*/false, /*down_to_bytes=*/0));
  }

  const Digest action_ = DigestOf("action");
};

TEST_F(RocksCompleteResultsTest, WhatIsWholeIsAHitEachTime) {
  EXPECT_FALSE(IsHit()) << "there is none";
  PutResult(Naming({Put(Contents(kTree)), Put(Contents(kFile)), DigestOf("")}));
  EXPECT_TRUE(IsHit());
  EXPECT_TRUE(IsHit()) << "remembered";
  EXPECT_FALSE(Find("other").has_value()) << "another instance's";
  Open();
  EXPECT_TRUE(IsHit()) << "from the disk";
}

TEST_F(RocksCompleteResultsTest, WhatLacksABlobIsAMissUntilTheBlobIsThere) {
  PutResult(Naming({Put(Contents(kTree)), DigestOf(Contents(kBlobDb))}));
  EXPECT_FALSE(IsHit());
  Put(Contents(kBlobDb));
  EXPECT_TRUE(IsHit());
}

TEST_F(RocksCompleteResultsTest, AHitThatLostABlobIsAMiss) {
  const Digest blob = Put(Contents(kTree));
  PutResult(Naming({blob}));
  EXPECT_TRUE(IsHit());
  Evict();
  PutResult(Naming({blob}));
  EXPECT_FALSE(Has(blob));
  EXPECT_FALSE(IsHit());
}

TEST_F(RocksCompleteResultsTest, ABlobThatTurnsOutCorruptTakesItsHitsAlong) {
  const Digest blob = Put(Contents(kFile));
  PutResult(Naming({blob}));
  EXPECT_TRUE(IsHit());
  const std::string path = options_.directory + "/files/" + blob.Hex().substr(0, 2) + "/" + blob.Hex();
  ASSERT_EQ(truncate(path.c_str(), 10), 0);
  EXPECT_FALSE(Get(blob).ok());
  EXPECT_FALSE(IsHit());
}

TEST_F(RocksCompleteResultsTest, AnotherResultOfTheSameActionNamesOtherBlobs) {
  PutResult(Naming({Put(Contents(kTree))}));
  EXPECT_TRUE(IsHit());
  PutResult(Naming({DigestOf("absent")}));
  EXPECT_FALSE(IsHit());
  PutResult(Naming({Put(Contents(kTree, 2))}));
  EXPECT_TRUE(IsHit());
}

TEST_F(RocksCompleteResultsTest, AHitIsALeaseOfAllThatItNames) {
  const Digest blob = Put(Contents(kTree)), other = Put(Contents(kTree, 2));
  PutResult(Naming({blob}));
  EXPECT_TRUE(Find().has_value());
  clock_.AdvanceSeconds(options_.lease_seconds - 1);
  EXPECT_TRUE(Find().has_value()) << "remembered, and a use all the same";
  clock_.AdvanceSeconds(2);
  ASSERT_OK(store_->Collect(/*dry_run=*/false, /*down_to_bytes=*/0));
  EXPECT_TRUE(Find().has_value());
  EXPECT_FALSE(Has(other));
}

TEST_F(RocksCompleteResultsTest, FilesInTreesCount) {
  Tree tree;
  *tree.mutable_root()->add_files()->mutable_digest() = reapi::ToProto(Put(Contents(kTree)));
  *tree.add_children()->add_files()->mutable_digest() = reapi::ToProto(DigestOf(Contents(kTree, 2)));
  ActionCache::ActionResult result;
  *result.add_output_directories()->mutable_tree_digest() = reapi::ToProto(Put(tree.SerializeAsString()));
  PutResult(result);
  EXPECT_FALSE(IsHit());
  Put(Contents(kTree, 2));
  EXPECT_TRUE(IsHit());
}

TEST_F(RocksCompleteResultsTest, SaysWhetherThereIsOutputThatCouldBeInside) {
  PutResult(Naming({Put("x")}));
  EXPECT_FALSE(Find()->names_output_streams);
  ActionCache::ActionResult result;
  *result.mutable_stderr_digest() = reapi::ToProto(Put("warned"));
  PutResult(result);
  EXPECT_TRUE(Find()->names_output_streams);
}

TEST_F(RocksCompleteResultsTest, WhatTakesLongGoesTheLongWay) {
  std::vector<Digest> many;
  for (unsigned i = 0; i < 1001; ++i) many.push_back(Put(std::to_string(i)));
  PutResult(Naming(many));
  EXPECT_FALSE(Find().has_value());
}

}  // namespace
}  // namespace smelt
