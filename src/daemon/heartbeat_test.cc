#include "src/daemon/heartbeat.h"

#include <atomic>

#include "gmock/gmock.h"

namespace smelt {
namespace {

void Await(const std::atomic<int>& count, int value) {
  while (count < value) std::this_thread::yield();
}

TEST(Heartbeat, BeatsForAllWhoWorkAndNotAfterwards) {
  Heartbeat heartbeat(1);
  std::atomic<int> one = 0, two = 0;
  const Heartbeat::Beating first(heartbeat, [&] { ++one; });
  int when_it_ended = 0;
  {
    const Heartbeat::Beating second(heartbeat, [&] { ++two; });
    Await(two, 3);
  }
  when_it_ended = two;
  Await(one, one + 3);
  EXPECT_EQ(two, when_it_ended);
}

TEST(Heartbeat, EndsWithoutHavingBeaten) { Heartbeat heartbeat(1'000'000); }

}  // namespace
}  // namespace smelt
