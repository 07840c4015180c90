#include "src/daemon/drain.h"

#include <thread>

#include "gtest/gtest.h"

namespace smelt {
namespace {

TEST(DrainTest, WhatHasBegunIsWaitedFor) {
  Drain drain;
  EXPECT_EQ(drain.Await(absl::ZeroDuration()), 0);
  Drain::Work one = drain.Begin();
  {
    const Drain::Work two = drain.Begin();
    EXPECT_TRUE(one.held() && two.held());
    EXPECT_EQ(drain.Await(absl::ZeroDuration()), 2);
  }
  EXPECT_EQ(drain.Await(absl::ZeroDuration()), 1);
  std::thread other([work = std::move(one)]() mutable { const Drain::Work ending = std::move(work); });
  EXPECT_EQ(drain.Await(absl::InfiniteDuration()), 0);
  other.join();
}

TEST(DrainTest, OnceClosedNothingBegins) {
  Drain drain;
  const Drain::Work before = drain.Begin();
  EXPECT_TRUE(drain.Close());
  EXPECT_FALSE(drain.Begin().held());
  EXPECT_EQ(drain.Await(absl::ZeroDuration()), 1) << "what may not begin does not count";
  EXPECT_FALSE(drain.Close()) << "the second time is told from the first";
}

}  // namespace
}  // namespace smelt
