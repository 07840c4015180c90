#include "src/base/each_second.h"

#include <atomic>
#include <future>

#include "gtest/gtest.h"

namespace smelt {
namespace {

TEST(EachSecondTest, CallsAgainAndAgainAndNeverAfterItIsGone) {
  std::atomic<int> calls = 0;
  std::promise<void> twice;
  {
    EachSecond each_second([&] {
      if (++calls == 2) twice.set_value();
    });
    twice.get_future().wait();
  }
  EXPECT_GE(calls, 2);
}

}  // namespace
}  // namespace smelt
