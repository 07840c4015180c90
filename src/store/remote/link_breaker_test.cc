#include "src/store/remote/link_breaker.h"

#include "gmock/gmock.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

class LinkBreakerTest : public testing::Test {
 protected:
  FakeClock clock_{1'000'000'000'000};
  LinkBreaker breaker_{clock_};
  const absl::Status failure_ = absl::UnavailableError("no route to cache");
};

TEST_F(LinkBreakerTest, OpensWithTheFirstFailureAndSaysWhy) {
  EXPECT_OK(breaker_.Check());
  breaker_.Failed(failure_);
  EXPECT_THAT(breaker_.Check(), StatusIs(absl::StatusCode::kUnavailable, testing::HasSubstr("no route to cache")));
  EXPECT_EQ(breaker_.Problem(), "no route to cache");
}

TEST_F(LinkBreakerTest, LetsCallsThroughAfterAWhileAndStaysOpenLongerEachTime) {
  for (const int seconds : {5, 10, 20, 40, 60, 60}) {
    breaker_.Failed(failure_);
    clock_.AdvanceSeconds(seconds - 1);
    EXPECT_FALSE(breaker_.Check().ok()) << seconds;
    clock_.AdvanceSeconds(1);
    EXPECT_OK(breaker_.Check());
  }
}

TEST_F(LinkBreakerTest, FailuresOfCallsUnderWayCountOnce) {
  for (int i = 0; i < 10; ++i) breaker_.Failed(failure_);
  clock_.AdvanceSeconds(5);
  EXPECT_OK(breaker_.Check());
}

TEST_F(LinkBreakerTest, SuccessClosesIt) {
  breaker_.Failed(failure_);
  breaker_.Succeeded();
  EXPECT_OK(breaker_.Check());
  EXPECT_EQ(breaker_.Problem(), "");
  breaker_.Failed(failure_);
  clock_.AdvanceSeconds(5);
  EXPECT_OK(breaker_.Check());
}

}  // namespace
}  // namespace smelt
