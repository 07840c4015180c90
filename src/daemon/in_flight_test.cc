#include "src/daemon/in_flight.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace smelt {
namespace {

bool Waits() { return true; }
bool GivesUp() { return false; }

TEST(InFlight, AKeyIsTakenOnceUntilItIsGivenBack) {
  InFlight in_flight;
  {
    InFlight::Turn turn = in_flight.TryTake("a");
    EXPECT_TRUE(turn.held());
    EXPECT_FALSE(in_flight.TryTake("a").held());
    EXPECT_TRUE(in_flight.TryTake("b").held());
  }
  EXPECT_TRUE(in_flight.TryTake("a").held());
}

TEST(InFlight, ATurnThatIsMovedIsGivenBackOnce) {
  InFlight in_flight;
  InFlight::Turn kept;
  EXPECT_FALSE(kept.held());
  {
    InFlight::Turn turn = in_flight.TryTake("a");
    kept = std::move(turn);
    InFlight::Turn other(std::move(kept));
    EXPECT_TRUE(other.held());
    EXPECT_FALSE(in_flight.TryTake("a").held());
    kept = std::move(other);
  }
  EXPECT_FALSE(in_flight.TryTake("a").held());
  kept = InFlight::Turn();
  EXPECT_TRUE(in_flight.TryTake("a").held());
}

TEST(InFlight, WhoWaitsGetsItNext) {
  InFlight in_flight;
  absl::Notification waits, taken;
  auto first = std::make_unique<InFlight::Turn>(in_flight.TryTake("a"));
  std::thread waiter([&] {
    InFlight::Turn turn = in_flight.Take("a", [&] {
      if (!waits.HasBeenNotified()) waits.Notify();
      return true;
    });
    EXPECT_TRUE(turn.held());
    taken.Notify();
  });
  waits.WaitForNotification();
  EXPECT_FALSE(taken.HasBeenNotified());
  first.reset();
  waiter.join();
}

TEST(InFlight, WhoGivesUpHoldsNothingAndBlocksNobody) {
  InFlight in_flight;
  {
    InFlight::Turn turn = in_flight.TryTake("a");
    EXPECT_FALSE(in_flight.Take("a", GivesUp).held());
  }
  EXPECT_TRUE(in_flight.Take("a", GivesUp).held()) << "it is free: there is nothing to wait for";
}

TEST(InFlight, OfManyOnlyOneIsInsideAtATime) {
  InFlight in_flight;
  std::atomic<int> inside{0}, total{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        InFlight::Turn turn = in_flight.Take("a", Waits);
        EXPECT_EQ(++inside, 1);
        ++total;
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(total, 800);
}

}  // namespace
}  // namespace smelt
