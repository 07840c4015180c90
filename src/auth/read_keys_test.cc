#include <gtest/gtest.h>

#include <string>

#include "fmt/format.h"
#include "src/auth/key_cache.h"
#include "src/auth/test_issuer.h"
#include "src/status/http_server.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(ReadKeys, OverHttpOnLoopback) {
  const TestIssuer issuer;
  auto server = WebServer::Start("127.0.0.1:0", [&](const WebRequest& request) -> WebResponse {
    if (request.path == "/jwks") return {200, "application/json", issuer.Jwks()};
    if (request.path == "/huge") return {200, "application/json", std::string(2 << 20, ' ')};
    return {500, "text/plain", issuer.Jwks()};
  });
  ASSERT_OK(server);
  const auto url = [&](const char* path) { return fmt::format("http://127.0.0.1:{}{}", (*server)->port(), path); };
  FakeClock clock;
  KeyCache keys(KeysAtUrl(url("/jwks")), clock);
  EXPECT_OK(keys.Find("ec", SignatureAlgorithm::kEs256));
  EXPECT_THAT(keys.Find("other", SignatureAlgorithm::kEs256), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(KeysAtUrl(url("/error"))(), StatusIs(StatusCode::kUnavailable, HasSubstr("/error")));
  EXPECT_THAT(KeysAtUrl(url("/huge"))(), StatusIs(StatusCode::kUnavailable));
}

TEST(ReadKeys, NothingIsFetchedInPlainFromElsewhere) {
  EXPECT_THAT(KeysAtUrl("http://192.0.2.1/jwks")(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("https://")));
  EXPECT_THAT(KeysAtUrl("file:///etc/hostname")(), StatusIs(StatusCode::kInvalidArgument));
}

TEST(ReadKeys, AFileThatIsNotThere) { EXPECT_THAT(KeysInFile("/nonexistent/jwks")(), StatusIs(StatusCode::kNotFound)); }

}  // namespace
}  // namespace smelt
