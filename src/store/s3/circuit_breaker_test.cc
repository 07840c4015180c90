#include "src/store/s3/circuit_breaker.h"

#include "gtest/gtest.h"
#include "src/testing/fake_clock.h"

namespace smelt {
namespace {

class CircuitBreakerTest : public testing::Test {
 protected:
  void Fail(int times) {
    for (int i = 0; i < times; ++i) breaker_.Failed();
  }

  FakeClock clock_;
  CircuitBreaker breaker_{clock_, 3, 1000};
};

TEST_F(CircuitBreakerTest, StaysClosedWhileSomethingSucceeds) {
  for (int i = 0; i < 10; ++i) {
    Fail(2);
    breaker_.Succeeded();
  }
  EXPECT_TRUE(breaker_.Allow());
  EXPECT_FALSE(breaker_.IsOpen());
}

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARow) {
  Fail(3);
  EXPECT_TRUE(breaker_.IsOpen());
  EXPECT_FALSE(breaker_.Allow());
}

TEST_F(CircuitBreakerTest, LetsOneTryAfterAWhile) {
  Fail(3);
  clock_.AdvanceSeconds(1);
  EXPECT_TRUE(breaker_.Allow());
  EXPECT_FALSE(breaker_.Allow());
}

TEST_F(CircuitBreakerTest, ATryThatSucceedsClosesIt) {
  Fail(3);
  clock_.AdvanceSeconds(1);
  ASSERT_TRUE(breaker_.Allow());
  breaker_.Succeeded();
  EXPECT_TRUE(breaker_.Allow());
  EXPECT_TRUE(breaker_.Allow());
}

TEST_F(CircuitBreakerTest, ATryThatFailsOpensItForAsLong) {
  Fail(3);
  clock_.AdvanceSeconds(1);
  ASSERT_TRUE(breaker_.Allow());
  breaker_.Failed();
  clock_.AdvanceNanos(999'999'999);
  EXPECT_FALSE(breaker_.Allow());
  clock_.AdvanceNanos(1);
  EXPECT_TRUE(breaker_.Allow());
}

TEST_F(CircuitBreakerTest, OneThatNobodyAnswersOpensItAtOnce) {
  breaker_.Unanswered();
  EXPECT_FALSE(breaker_.Allow());
  clock_.AdvanceSeconds(1);
  EXPECT_TRUE(breaker_.Allow());
}

TEST_F(CircuitBreakerTest, OneThatNobodyAnswersIsAFailureLikeOthersWhileOthersAreAnswered) {
  breaker_.Succeeded();
  clock_.AdvanceSeconds(CircuitBreaker::kLatelySeconds - 1);
  breaker_.Unanswered();
  EXPECT_FALSE(breaker_.IsOpen());
  clock_.AdvanceSeconds(1);
  breaker_.Unanswered();
  EXPECT_TRUE(breaker_.IsOpen());
}

// Whoever was let through may be gone: another gets its turn.
TEST_F(CircuitBreakerTest, ATryThatNeverEndsHoldsNobodyForEver) {
  Fail(3);
  clock_.AdvanceSeconds(1);
  ASSERT_TRUE(breaker_.Allow());
  clock_.AdvanceSeconds(1);
  EXPECT_TRUE(breaker_.Allow());
}

TEST_F(CircuitBreakerTest, TriesAgainAfterTheClockWasSetBack) {
  Fail(3);
  EXPECT_FALSE(breaker_.Allow());
  clock_.AdvanceSeconds(-3600);
  EXPECT_TRUE(breaker_.Allow());
}

}  // namespace
}  // namespace smelt
