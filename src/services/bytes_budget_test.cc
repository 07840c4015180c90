#include "src/services/bytes_budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace smelt {
namespace {

// What is free.
BytesBudget::Hold Take(BytesBudget& budget, std::int64_t bytes) {
  BytesBudget::Hold taken;
  budget.Acquire("first", bytes, [&taken](BytesBudget::Hold hold) { taken = std::move(hold); });
  return taken;
}

TEST(BytesBudgetTest, GrantsAtOnceWhatIsFreeAndTakesItBack) {
  BytesBudget budget(100);
  {
    std::optional<BytesBudget::Hold> hold;
    budget.Acquire("a", 60, [&](BytesBudget::Hold granted) { hold = std::move(granted); });
    ASSERT_TRUE(hold.has_value());
    EXPECT_EQ(hold->bytes(), 60);
    EXPECT_EQ(budget.held_bytes(), 60);
  }
  EXPECT_EQ(budget.held_bytes(), 0);
}

TEST(BytesBudgetTest, WaitersAreServedInTheirOrderAndASmallOneDoesNotOvertake) {
  BytesBudget budget(200);
  BytesBudget::Hold first = Take(budget, 200);
  std::vector<int> served;
  std::vector<BytesBudget::Hold> holds;
  for (const int bytes : {80, 10, 10, 100}) {
    budget.Acquire("a", bytes, [&, bytes](BytesBudget::Hold hold) {
      served.push_back(bytes);
      holds.push_back(std::move(hold));
    });
  }
  EXPECT_EQ(budget.waiting(), 4);
  EXPECT_EQ(budget.TryAcquire(1).bytes(), 0);
  first.Release();
  EXPECT_EQ(served, (std::vector<int>{80, 10, 10}));
  EXPECT_EQ(budget.waiting(), 1);
  holds.clear();
  EXPECT_EQ(served.back(), 100);
}

// Asks for connections, and keeps what they get, in its order.
struct Served {
  explicit Served(BytesBudget& budget) : budget(budget) {}
  void Ask(const std::string& connection, std::int64_t bytes = 1) {
    budget.Acquire(connection, bytes, [this, connection](BytesBudget::Hold hold) {
      order += connection;
      holds.push_back(std::move(hold));
    });
  }

  BytesBudget& budget;
  std::string order;
  std::vector<BytesBudget::Hold> holds;
};

TEST(BytesBudgetTest, TheConnectionThatHoldsLeastComesNext) {
  BytesBudget budget(12);
  Served served(budget);
  served.Ask("a", 8);
  BytesBudget::Hold rest = Take(budget, 4);
  for (int i = 0; i < 3; ++i) served.Ask("a");
  served.Ask("b");
  served.Ask("c");
  EXPECT_EQ(served.order, "a");
  rest.ShrinkTo(3);
  EXPECT_EQ(served.order, "ab");
  rest.ShrinkTo(2);
  EXPECT_EQ(served.order, "abc");
  served.holds.erase(served.holds.begin());
  EXPECT_EQ(served.order, "abcaaa");
  EXPECT_EQ(budget.waiting(), 0);
}

TEST(BytesBudgetTest, AFourthIsForThoseThatHoldLittle) {
  BytesBudget budget(64);
  Served served(budget);
  for (int i = 0; i < 64; ++i) served.Ask("a");
  EXPECT_EQ(budget.held_bytes(), 48);
  EXPECT_EQ(budget.waiting(), 16);
  served.Ask("b", 2);
  served.Ask("b", 2);
  EXPECT_EQ(served.order.substr(48), "bb") << "it came later, and held little";
  served.Ask("b", 1);
  EXPECT_EQ(served.order.size(), 50u);
  served.Ask("c", 12);
  EXPECT_EQ(served.order.back(), 'c');
  EXPECT_EQ(budget.held_bytes(), 64);
}

TEST(BytesBudgetTest, ConnectionsThatHoldTheSameTakeTurns) {
  BytesBudget budget(8);
  BytesBudget::Hold all = Take(budget, 8);
  Served served(budget);
  for (int i = 0; i < 4; ++i) served.Ask("a");
  for (int i = 0; i < 4; ++i) served.Ask("b");
  all.Release();
  EXPECT_EQ(served.order, "ababab");
}

TEST(BytesBudgetTest, WhoWaitsForMuchIsNotOvertakenByThoseThatComeLater) {
  BytesBudget budget(10);
  BytesBudget::Hold some = Take(budget, 5);
  Served served(budget);
  served.Ask("a", 8);
  served.Ask("b");
  EXPECT_EQ(served.order, "");
  some.Release();
  EXPECT_EQ(served.order, "ab");
}

TEST(BytesBudgetTest, NothingIsGivenAtOnceAndToNobody) {
  BytesBudget budget(1);
  Served served(budget);
  served.Ask("a");
  served.Ask("b", 0);
  EXPECT_EQ(served.order, "ab");
  served.holds.clear();
  EXPECT_EQ(budget.held_bytes(), 0);
}

TEST(BytesBudgetTest, MoreThanThereIsWaitsForAllOfIt) {
  BytesBudget budget(100);
  BytesBudget::Hold first = Take(budget, 1);
  std::int64_t granted = 0;
  budget.Acquire("a", 1000, [&](BytesBudget::Hold hold) { granted = hold.bytes(); });
  EXPECT_EQ(granted, 0);
  first.Release();
  EXPECT_EQ(granted, 100);
  EXPECT_EQ(budget.held_bytes(), 0);
}

TEST(BytesBudgetTest, TryAcquireTakesAllOrNothing) {
  BytesBudget budget(100);
  const BytesBudget::Hold hold = Take(budget, 99);
  EXPECT_EQ(budget.TryAcquire(2).bytes(), 0);
  EXPECT_EQ(budget.TryAcquire(1).bytes(), 1);
  EXPECT_EQ(budget.held_bytes(), 99);
}

TEST(BytesBudgetTest, HalfIsNeverGivenToWhatCanDoWithout) {
  BytesBudget budget(100);
  BytesBudget::Hold hold = budget.TryAcquire(50);
  EXPECT_EQ(hold.bytes(), 50);
  EXPECT_EQ(budget.TryAcquire(1).bytes(), 0);
  EXPECT_EQ(Take(budget, 50).bytes(), 50);
  hold.ShrinkTo(49);
  EXPECT_EQ(budget.TryAcquire(1).bytes(), 1);
}

TEST(BytesBudgetTest, ManyThatGiveBackAtOnceTakeNoStack) {
  BytesBudget budget(2);
  BytesBudget::Hold first = Take(budget, 2);
  int served = 0;
  for (int i = 0; i < 300'000; ++i) {
    budget.Acquire("a", 2, [&served](BytesBudget::Hold hold) {
      hold.Release();
      ++served;
    });
  }
  first.Release();
  EXPECT_EQ(served, 300'000);
  EXPECT_EQ(budget.held_bytes(), 0);
}

TEST(BytesBudgetTest, WhatAHoldShrinksByServesTheNext) {
  BytesBudget budget(100);
  BytesBudget::Hold hold = Take(budget, 100);
  std::int64_t granted = 0;
  budget.Acquire("a", 60, [&](BytesBudget::Hold next) { granted = next.bytes(); });
  hold.ShrinkTo(200);
  hold.ShrinkTo(41);
  EXPECT_EQ(granted, 0);
  hold.ShrinkTo(40);
  EXPECT_EQ(granted, 60);
  EXPECT_EQ(budget.held_bytes(), 40);
  hold.Release();
  EXPECT_EQ(budget.held_bytes(), 0);
}

TEST(BytesBudgetTest, ManyThreadsNeverHoldMoreThanThereIs) {
  BytesBudget budget(1000);
  std::atomic<std::int64_t> held = 0, peak = 0, grants = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        budget.Acquire(std::to_string(t % 3), 1 + (i * 37 + t) % 400, [&](BytesBudget::Hold hold) {
          const std::int64_t now = held += hold.bytes();
          for (std::int64_t seen = peak; now > seen && !peak.compare_exchange_weak(seen, now);) continue;
          held -= hold.bytes();
          ++grants;
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(grants, 8000);
  EXPECT_LE(peak, 1000);
  EXPECT_EQ(budget.held_bytes(), 0);
}

}  // namespace
}  // namespace smelt
