#include "src/services/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

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

TEST(WorkerPoolTest, WhoWaitsForWhatIsFarAwayKeepsNobodyWaiting) {
  constexpr int kWaiting = 10;
  std::promise<void> far, near;
  const std::shared_future<void> answer = far.get_future();
  std::atomic<int> answered = 0, busy = 0, most = 0, done = 0;
  WorkerPool pool(2, 1000, /*more_threads=*/kWaiting);
  for (int i = 0; i < kWaiting; ++i) {
    ASSERT_TRUE(pool.Submit([&answered, answer] {
      const SlowWait wait;
      const SlowWait within;
      answer.wait();
      ++answered;
    }));
  }
  ASSERT_TRUE(pool.Submit([&] { near.set_value(); }));
  near.get_future().wait();
  EXPECT_EQ(answered, 0);
  far.set_value();
  while (answered < kWaiting) std::this_thread::yield();

  for (int i = 0; i < 500; ++i) {
    pool.Continue([&] {
      const int now = ++busy;
      for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
      std::this_thread::yield();
      --busy;
      ++done;
    });
  }
  while (done < 500) std::this_thread::yield();
  EXPECT_LE(most, 2) << "the others wait for the next time";
}

TEST(WorkerPoolTest, NoMoreThreadsAreMadeThanThereMayBe) {
  std::promise<void> far;
  const std::shared_future<void> answer = far.get_future();
  std::mutex mu;
  std::set<std::thread::id> threads;
  {
    WorkerPool pool(1, 1000, /*more_threads=*/2);
    for (int i = 0; i < 50; ++i) {
      pool.Continue([&, answer] {
        const SlowWait wait;
        answer.wait();
        const std::lock_guard lock(mu);
        threads.insert(std::this_thread::get_id());
      });
    }
    far.set_value();
  }
  EXPECT_LE(threads.size(), 3u);
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
