#include "src/services/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <set>

namespace smelt {
namespace {

TEST(WorkerPoolTest, DoesWhatWasSubmittedBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool(3, 1000);
    for (int i = 0; i < 1000; ++i) pool.Continue([&] { ++done; });
  }
  EXPECT_EQ(done, 1000);
}

// As a server does that ends when its last call has: that call's other thread may still be inside Continue. The
// ThreadSanitizer sees it.
TEST(WorkerPoolTest, MayEndWhileContinueReturns) {
  std::atomic<int> ended = 0;
  WorkerPool other(1, 10);
  for (int i = 0; i < 300; ++i) {
    auto pool = std::make_unique<WorkerPool>(1, 10);
    std::promise<void> done;
    other.Continue([to = pool.get(), &done] { to->Continue([&done] { done.set_value(); }); });
    done.get_future().wait();
    pool.reset();
    ++ended;
  }
  EXPECT_EQ(ended, 300);
}

TEST(WorkerPoolTest, OneThreadKeepsTheOrder) {
  std::vector<int> order;
  {
    WorkerPool pool(1, 100);
    for (int i = 0; i < 100; ++i) pool.Continue([&order, i] { order.push_back(i); });
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(WorkerPoolTest, TurnsAwayWhatExceedsItsQueueButNotWhatContinues) {
  std::promise<void> started, release;
  std::atomic<int> done = 0;
  {
    WorkerPool pool(1, 2);
    ASSERT_TRUE(pool.Submit([&] {
      started.set_value();
      release.get_future().wait();
    }));
    started.get_future().wait();
    EXPECT_TRUE(pool.Submit([&] { ++done; }));
    EXPECT_TRUE(pool.Submit([&] { ++done; }));
    EXPECT_FALSE(pool.Submit([&] { done += 100; }));
    EXPECT_FALSE(pool.ForEach(
        3, 3, [&](std::size_t) { done += 100; }, [] {}));
    pool.Continue([&] { ++done; });
    release.set_value();
  }
  EXPECT_EQ(done, 3);
}

TEST(WorkerPoolTest, ForEachVisitsEveryIndexOnceAndThenIsDoneOnce) {
  for (const std::size_t width : {1, 2, 7, 1000}) {
    std::mutex mu;
    std::multiset<std::size_t> visited;
    int done = 0;
    std::size_t visited_when_done = 0;
    {
      WorkerPool pool(4, 1000);
      ASSERT_TRUE(pool.ForEach(
          300, width,
          [&](std::size_t i) {
            const std::lock_guard lock(mu);
            visited.insert(i);
          },
          [&] {
            const std::lock_guard lock(mu);
            ++done;
            visited_when_done = visited.size();
          }));
    }
    EXPECT_EQ(done, 1);
    EXPECT_EQ(visited_when_done, 300);
    EXPECT_EQ(std::set<std::size_t>(visited.begin(), visited.end()).size(), 300);
  }
}

}  // namespace
}  // namespace smelt
