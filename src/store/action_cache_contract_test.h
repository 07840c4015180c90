#ifndef SMELT_STORE_ACTION_CACHE_CONTRACT_TEST_H_
#define SMELT_STORE_ACTION_CACHE_CONTRACT_TEST_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/action_cache.h"
#include "src/testing/status_matchers.h"

namespace smelt {

// What every ActionCache keeps to. The test of an implementation includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(MyActionCache, ActionCacheContractTest, testing::Values([] { return ...; }));
//
// with a function that makes an empty cache. The results put here need no blob but the empty one.
using MakeActionCache = std::function<std::shared_ptr<ActionCache>()>;

class ActionCacheContractTest : public testing::TestWithParam<MakeActionCache> {
 protected:
  static ActionCache::ActionResult Result(int exit_code) {
    ActionCache::ActionResult result;
    result.set_exit_code(exit_code);
    result.set_stdout_raw(std::string("a\0b", 3));
    auto* file = result.add_output_files();
    file->set_path("target/debug/libx.rlib");
    file->mutable_digest()->set_hash(DigestOf(std::string_view()).Hex());
    file->set_is_executable(true);
    auto* link = result.add_output_symlinks();
    link->set_path("l");
    link->set_target("x");
    result.mutable_execution_metadata()->set_worker("here");
    return result;
  }

  void ExpectHolds(const Digest& action, const ActionCache::ActionResult& expected) {
    const auto result = cache_->Get(action);
    ASSERT_OK(result);
    EXPECT_EQ(result->SerializeAsString(), expected.SerializeAsString());
  }

  std::shared_ptr<ActionCache> cache_ = GetParam()();
};

TEST_P(ActionCacheContractTest, AnAbsentResultIsNotFound) {
  EXPECT_THAT(cache_->Get(DigestOf("absent")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ActionCacheContractTest, GetsWhatWasPut) {
  ASSERT_OK(cache_->Put(DigestOf("a"), Result(0)));
  ASSERT_OK(cache_->Put(DigestOf("b"), Result(7)));
  ExpectHolds(DigestOf("a"), Result(0));
  ExpectHolds(DigestOf("b"), Result(7));
}

TEST_P(ActionCacheContractTest, KeepsAnEmptyResult) {
  ASSERT_OK(cache_->Put(DigestOf("a"), {}));
  ExpectHolds(DigestOf("a"), {});
}

TEST_P(ActionCacheContractTest, ALaterResultReplacesAnEarlierOne) {
  ASSERT_OK(cache_->Put(DigestOf("a"), Result(0)));
  ASSERT_OK(cache_->Put(DigestOf("a"), Result(1)));
  ExpectHolds(DigestOf("a"), Result(1));
}

TEST_P(ActionCacheContractTest, TheSizeBelongsToTheKey) {
  ASSERT_OK(cache_->Put(DigestOf("a"), Result(0)));
  Digest longer = DigestOf("a");
  ++longer.size;
  EXPECT_THAT(cache_->Get(longer), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(ActionCacheContractTest, ThreadsSeeWholeResults) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int round = 0; round < 50; ++round) {
        EXPECT_OK(cache_->Put(DigestOf("a"), Result(i)));
        const auto result = cache_->Get(DigestOf("a"));
        ASSERT_OK(result);
        EXPECT_EQ(result->SerializeAsString(), Result(result->exit_code()).SerializeAsString());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace smelt

#endif  // SMELT_STORE_ACTION_CACHE_CONTRACT_TEST_H_
