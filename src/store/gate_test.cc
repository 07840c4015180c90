#include "src/store/gate.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace smelt {
namespace {

class GateTest : public testing::Test {
 protected:
  std::atomic<bool> broken_ = false;
  std::atomic<int> inside_ = 0;
  int mended_ = 0;
  int inside_while_mended_ = 0;
  bool mending_works_ = true;
  Gate gate_{[this] { return broken_.load(); },
             [this] {
               ++mended_;
               inside_while_mended_ += inside_;
               if (mending_works_) broken_ = false;
             }};
};

TEST_F(GateTest, LetsManyInAtOnce) {
  const Gate::Pass one = gate_.Enter();
  std::thread([&] { const Gate::Pass other = gate_.Enter(); }).join();
  EXPECT_EQ(mended_, 0);
}

TEST_F(GateTest, WhoComesWhenItIsBrokenMendsItOnce) {
  broken_ = true;
  { const Gate::Pass pass = gate_.Enter(); }
  { const Gate::Pass pass = gate_.Enter(); }
  EXPECT_EQ(mended_, 1);
}

TEST_F(GateTest, WhatCouldNotBeMendedIsTriedAgainAndHoldsNobodyBack) {
  broken_ = true;
  mending_works_ = false;
  { const Gate::Pass pass = gate_.Enter(); }
  { const Gate::Pass pass = gate_.Enter(); }
  EXPECT_EQ(mended_, 2);
}

TEST_F(GateTest, NobodyIsInsideMeanwhile) {
  constexpr int kThreads = 4, kTimes = 2'000;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this] {
      for (int time = 0; time < kTimes; ++time) {
        const Gate::Pass pass = gate_.Enter();
        ++inside_;
        if (time % 100 == 0) broken_ = true;
        --inside_;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(mended_, 0);
  EXPECT_EQ(inside_while_mended_, 0);
}

TEST_F(GateTest, MendingWaitsForThoseInside) {
  absl::Notification entered, may_leave;
  std::atomic<bool> left = false;
  std::thread inside([&] {
    const Gate::Pass pass = gate_.Enter();
    entered.Notify();
    may_leave.WaitForNotification();
    left = true;
  });
  entered.WaitForNotification();
  broken_ = true;
  std::thread next([&] {
    const Gate::Pass pass = gate_.Enter();
    EXPECT_TRUE(left);
  });
  may_leave.Notify();
  inside.join();
  next.join();
  EXPECT_EQ(mended_, 1);
}

}  // namespace
}  // namespace smelt
