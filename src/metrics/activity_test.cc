#include "src/metrics/activity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fmt/format.h"
#include "src/testing/fake_clock.h"

namespace smelt {
namespace {

using testing::HasSubstr;

class ActivityTest : public testing::Test {
 protected:
  void Call(const std::string& method, const std::string& code, double seconds, const std::string& target = "",
            const std::string& peer = "10.0.0.1") {
    activity_.Started();
    activity_.Finished({method, code, seconds, peer, "bazel 4.2.3", target});
  }

  std::vector<Sample> Samples() {
    std::vector<Sample> samples;
    activity_.Collect(samples);
    return samples;
  }

  FakeClock clock_;
  Activity activity_{clock_};
};

TEST_F(ActivityTest, CountsCallsAndLookups) {
  Call("GetActionResult", "OK", 0.002, "serde");
  Call("GetActionResult", "OK", 0.2, "serde");
  Call("GetActionResult", "NOT_FOUND", 0.002, "tokio");
  Call("GetActionResult", "UNAVAILABLE", 100, "tokio");
  Call("Read", "OK", 1);
  activity_.Started();
  clock_.AdvanceSeconds(7);
  const std::vector<Sample> samples = Samples();
  EXPECT_EQ(ValueOf(samples, "smelt_ac_requests_total", {"result", "hit"}), 2);
  EXPECT_EQ(ValueOf(samples, "smelt_ac_requests_total", {"result", "miss"}), 1);
  EXPECT_EQ(ValueOf(samples, "smelt_ac_requests_total", {"result", "error"}), 1);
  EXPECT_EQ(ValueOf(samples, "smelt_rpc_requests_total"), 5);
  EXPECT_EQ(ValueOf(samples, "smelt_rpc_requests_total", {"code", "OK"}), 3);
  EXPECT_EQ(ValueOf(samples, "smelt_rpc_active"), 1);
  EXPECT_EQ(ValueOf(samples, "smelt_uptime_seconds"), 7);
  EXPECT_EQ(ValueOf(samples, "smelt_clients"), 1);
  const std::string text = PrometheusText(samples);
  EXPECT_THAT(text, HasSubstr("# TYPE smelt_rpc_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("smelt_rpc_seconds_bucket{method=\"GetActionResult\",le=\"0.0025\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("smelt_rpc_seconds_bucket{method=\"GetActionResult\",le=\"60\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("smelt_rpc_seconds_bucket{method=\"GetActionResult\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("smelt_rpc_seconds_count{method=\"Read\"} 1\n"));
}

TEST_F(ActivityTest, DaysAndTargets) {
  for (int day = 0; day < 40; ++day) {
    Call("GetActionResult", "OK", 0, "often");
    clock_.AdvanceSeconds(86'400);
  }
  Call("GetActionResult", "NOT_FOUND", 0, "seldom");
  EXPECT_EQ(activity_.Days().size(), 30u);
  EXPECT_EQ(activity_.Days().back().date, "2023-12-24");
  EXPECT_EQ(activity_.Days().back().lookups.misses, 1);
  ASSERT_EQ(activity_.Targets(10).size(), 2u);
  EXPECT_EQ(activity_.Targets(10)[0].name, "often");
  EXPECT_EQ(activity_.Targets(1).size(), 1u);
}

TEST_F(ActivityTest, IsBounded) {
  for (int i = 0; i < 3000; ++i) {
    Call("GetActionResult", "OK", 0, fmt::format("crate{}", i), fmt::format("10.0.{}.{}", i / 250, i % 250));
    clock_.AdvanceNanos(1);
  }
  EXPECT_EQ(activity_.Targets(5000).size(), 1000u);
  EXPECT_EQ(activity_.Clients().size(), 1000u);
  clock_.AdvanceSeconds(301);
  EXPECT_TRUE(activity_.Clients().empty());
}

TEST(PrometheusText, EscapesLabelsAndWritesWholeNumbersWhole) {
  const std::string text = PrometheusText({{"smelt_build_info", {{"version", "a\"b\\c\nd"}}, 1},
                                           {"smelt_cas_bytes", {}, 1234567890123},
                                           {"smelt_cas_oldest_idle_seconds", {}, 0.5},
                                           {"undefined", {}, 1}});
  EXPECT_THAT(text, HasSubstr("smelt_build_info{version=\"a\\\"b\\\\c\\nd\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("smelt_cas_bytes 1234567890123\n"));
  EXPECT_THAT(text, HasSubstr("smelt_cas_oldest_idle_seconds 0.5\n"));
  EXPECT_EQ(text.find("undefined"), text.npos);
}

}  // namespace
}  // namespace smelt
