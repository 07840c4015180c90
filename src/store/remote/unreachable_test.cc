#include "src/store/remote/unreachable.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace smelt {
namespace {

using testing::HasSubstr;

constexpr std::string_view kAll = "failed to connect to all addresses; last error: ";

struct Case {
  std::string_view name;
  std::string_view message;  // of gRPC 1.51, after kAll
  bool tls;
  std::string_view mend;
};

class ExplainUnreachableTest : public testing::TestWithParam<Case> {};

TEST_P(ExplainUnreachableTest, NamesTheCauseAndWhatMendsIt) {
  const Case& c = GetParam();
  const std::string told = ExplainUnreachable(std::string(kAll).append(c.message), c.tls);
  EXPECT_THAT(told, testing::StartsWith(": ipv4:127.0.0.1:1: "));
  EXPECT_THAT(told, HasSubstr(c.mend));
  EXPECT_EQ(told.ends_with(")"), !c.mend.empty()) << told;
}

INSTANTIATE_TEST_SUITE_P(
    Messages, ExplainUnreachableTest,
    testing::Values(
        Case{"NobodyListens", "UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to remote host: Connection refused", true,
             ""},
        Case{"UnknownSigner",
             "UNKNOWN: ipv4:127.0.0.1:1: Ssl handshake failed: SSL_ERROR_SSL: error:0A000086:SSL "
             "routines::certificate verify failed",
             true, "[remote] ca_file"},
        Case{"AnotherName", "UNKNOWN: ipv4:127.0.0.1:1: Peer name 127.0.0.1 is not in peer certificate", true,
             "[remote] endpoint"},
        Case{"NoTls",
             "UNKNOWN: ipv4:127.0.0.1:1: Ssl handshake failed: SSL_ERROR_SSL: error:0A00010B:SSL routines::wrong "
             "version number",
             true, "grpc://"},
        Case{"ThePage", "UNKNOWN: ipv4:127.0.0.1:1: Trying to connect an http1.x server", false, "port"},
        Case{"OnlyTls", "UNAVAILABLE: ipv4:127.0.0.1:1: Socket closed", false, "grpcs://"},
        Case{"ClosedThoughTls", "UNAVAILABLE: ipv4:127.0.0.1:1: Socket closed", true, ""}),
    [](const auto& message) { return std::string(message.param.name); });

TEST(ExplainUnreachable, OtherMessages) {
  EXPECT_EQ(ExplainUnreachable("", true), "");
  EXPECT_EQ(ExplainUnreachable("DNS resolution failed for nowhere:1: Domain name not found", false),
            ": DNS resolution failed for nowhere:1: Domain name not found (mend the host in [remote] endpoint)");
}

}  // namespace
}  // namespace smelt
