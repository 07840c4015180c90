#include "src/status/status_site.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cerrno>
#include <latch>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/testing/fake_clock.h"

namespace smelt {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class StatusSiteTest : public testing::Test {
 protected:
  StatusSiteTest() {
    for (const char* code : {"OK", "OK", "NOT_FOUND"}) {
      activity_.Started();
      activity_.Finished({"GetActionResult", code, 0.01, "10.0.0.1", "bazel 4.2.3", "</script>\xff"});
    }
  }

  std::string Get(const std::string& path, const std::string& authorization = "good") {
    return site_.Answer({path, authorization}).body;
  }

  FakeClock clock_;
  Activity activity_{clock_};
  std::vector<const char*> troubles_;  // metrics that are 1
  StatusSite site_{{"1.0", activity_,
                    [this](std::vector<Sample>& samples) {
                      samples.push_back({"smelt_cas_bytes", {}, 700});
                      samples.push_back({"smelt_cas_limit_bytes", {}, 1000});
                      samples.push_back({"smelt_s3_pending_bytes", {}, 12});
                      for (const char* trouble : troubles_) samples.push_back({trouble, {}, 1});
                    },
                    [](const std::string& authorization) {
                      if (authorization == "good") return absl::OkStatus();
                      if (authorization == "reader") return absl::PermissionDeniedError("'laptop' is a reader");
                      if (authorization == "jwt") return absl::UnavailableError("the keys cannot be read");
                      return absl::UnauthenticatedError("the token is nobody's");
                    }}};
};

TEST_F(StatusSiteTest, JsonAndMetricsSayTheSame) {
  const auto json = nlohmann::json::parse(Get("/status"));
  const std::string metrics = Get("/metrics");
  EXPECT_EQ(json["cas"]["bytes"], 700);
  EXPECT_THAT(metrics, HasSubstr("\nsmelt_cas_bytes 700\n"));
  EXPECT_EQ(json["ac"]["hits"], 2);
  EXPECT_THAT(metrics, HasSubstr("\nsmelt_ac_requests_total{result=\"hit\"} 2\n"));
  EXPECT_EQ(json["ac"]["misses"], 1);
  EXPECT_THAT(metrics, HasSubstr("\nsmelt_ac_requests_total{result=\"miss\"} 1\n"));
  EXPECT_EQ(json["s3"]["pending_bytes"], 12);
  EXPECT_THAT(metrics, HasSubstr("\nsmelt_s3_pending_bytes 12\n"));
  EXPECT_EQ(json["mode"], "ok");
  EXPECT_EQ(json["days"][0]["date"], "2023-11-14");
  EXPECT_EQ(json["targets"][0]["hits"], 2);
  EXPECT_EQ(json["clients"][0]["peer"], "10.0.0.1");
  EXPECT_EQ(json["clients"][0]["tool"], "bazel 4.2.3");
}

TEST_F(StatusSiteTest, TheModeIsTheWorstOfWhatIsWrongAndAllOfItIsSaid) {
  const auto mode = [&] { return nlohmann::json::parse(Get("/status"))["mode"]; };
  troubles_ = {"smelt_s3_breaker_open"};
  EXPECT_EQ(mode(), "degraded");
  EXPECT_THAT(Get("/status"), HasSubstr("the bucket does not answer"));
  troubles_ = {"smelt_s3_failing"};
  EXPECT_EQ(mode(), "degraded");
  EXPECT_THAT(Get("/status"), HasSubstr("nothing can be brought into the bucket"));
  troubles_ = {"smelt_cas_read_only", "smelt_s3_failing"};
  EXPECT_EQ(mode(), "read_only");
  EXPECT_EQ(nlohmann::json::parse(Get("/status"))["reasons"].size(), 2u);
}

TEST_F(StatusSiteTest, NamesAreForThoseWhoMaySeeThem) {
  for (const char* path : {"/", "/status"}) {
    EXPECT_EQ(site_.Answer({path, "bad"}).code, 401) << path;
    EXPECT_EQ(site_.Answer({path, "bad"}).body.find("10.0.0.1"), std::string::npos) << path;
    EXPECT_EQ(site_.Answer({path, "good"}).code, 200) << path;
  }
  EXPECT_EQ(site_.Answer({"/metrics", ""}).code, 200);
  EXPECT_EQ(Get("/metrics", "").find("10.0.0.1"), std::string::npos);
  for (const char* path : {"/nothing", "", "//", "/../etc/passwd", "/status/"}) {
    EXPECT_EQ(site_.Answer({path, "good"}).code, 404) << path;
  }
}

TEST_F(StatusSiteTest, WhoIsNotKnownIsAskedAndWhoIsKnownIsToldWhatIsMissing) {
  const std::tuple<const char*, int, const char*> kCases[] = {
      {"", 401, "this needs the token of an administrator"},
      {"bad", 401, "the token is nobody's\nthis needs the token of an administrator"},
      {"reader", 403, "'laptop' is a reader\nthis needs the role administrator\n"},
      {"jwt", 503, "the keys cannot be read\n"},
  };
  for (const auto& [authorization, code, body] : kCases) {
    for (const char* path : {"/", "/status"}) {
      EXPECT_EQ(site_.Answer({path, authorization}).code, code) << authorization;
      EXPECT_THAT(Get(path, authorization), StartsWith(body));
    }
  }
}

TEST_F(StatusSiteTest, ADrainIsSaid) {
  EXPECT_EQ(site_.Answer({"/healthz", ""}).code, 200);
  site_.Drain();
  EXPECT_EQ(site_.Answer({"/healthz", ""}).code, 503);
  EXPECT_EQ(nlohmann::json::parse(Get("/status"))["mode"], "draining");
}

TEST_F(StatusSiteTest, ThePageNeedsNothingFromElsewhere) {
  const std::string page = Get("/");
  EXPECT_THAT(page, StartsWith("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, HasSubstr("<html lang="));
  EXPECT_EQ(page.find("http:"), page.npos);
  EXPECT_EQ(page.find("https:"), page.npos);
  EXPECT_EQ(page.find("innerHTML"), page.npos) << "names from calls would become markup";
}

// A connection to a server on loopback on which these bytes have been sent.
UniqueFd Sent(int port, const std::string& request) {
  UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_GE(send(client.get(), request.data(), request.size(), MSG_NOSIGNAL), 0);
  return client;
}

// What it answers.
std::string Exchange(int port, const std::string& request) {
  const UniqueFd client = Sent(port, request);
  std::string answer;
  char buffer[4096];
  for (ssize_t n; (n = recv(client.get(), buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  return answer;
}

TEST_F(StatusSiteTest, OverHttp) {
  auto server = WebServer::Start("127.0.0.1:0", [this](const WebRequest& request) { return site_.Answer(request); });
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string end = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  const auto code = [&](const std::string& request) { return Exchange((*server)->port(), request).substr(0, 12); };
  EXPECT_EQ(code("GET /healthz" + end + "\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(code("GET /status" + end + "\r\n"), "HTTP/1.1 401");
  EXPECT_EQ(code("GET /status?x=1" + end + "Authorization: good\r\n\r\n"), "HTTP/1.1 200");
  EXPECT_EQ(code("HEAD /metrics" + end + "\r\n"), "HTTP/1.1 200");
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"}) {
    EXPECT_EQ(code(method + (" /status" + end) + "Content-Length: 3\r\nAuthorization: good\r\n\r\nabc"), "HTTP/1.1 405")
        << method;
  }
  EXPECT_EQ(code("GET /" + std::string(100'000, 'a') + end + "\r\n").substr(0, 10), "HTTP/1.1 4");
  EXPECT_EQ(code("GET /%2e%2e/etc/passwd" + end + "\r\n"), "HTTP/1.1 404");
  EXPECT_EQ(code("GET /status%00/../x" + end + "Authorization: good\r\n\r\n").substr(0, 8), "HTTP/1.1");
  EXPECT_EQ(code("nonsense\r\n\r\n").find("200"), std::string::npos);
  EXPECT_EQ(code("GET /healthz" + end + "\r\n"), "HTTP/1.1 200") << "after all that";
}

TEST(WebServer, WhoSendsHalfARequestKeepsNobodyWaiting) {
  const auto server = WebServer::Start("127.0.0.1:0", [](const WebRequest&) { return WebResponse{200, "", "up"}; });
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<UniqueFd> slow;
  while (slow.size() < 200) slow.push_back(Sent((*server)->port(), "GET /healthz HTTP/1.1\r\nHost: x\r\n"));
  EXPECT_THAT(Exchange((*server)->port(), "GET / HTTP/1.0\r\n\r\n"), HasSubstr("up"));
  char byte;
  EXPECT_EQ(recv(slow[0].get(), &byte, 1, MSG_DONTWAIT), -1) << "answered only when the first one had been given up";
}

// Each connection has two ends in this process.
void AllowManyOpenFiles() {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur < 8192) GTEST_SKIP() << "only " << limit.rlim_cur << " files may be open here";
}

bool IsOpen(const UniqueFd& client) {
  char byte;
  return recv(client.get(), &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
}

// Half a request each time: nothing; its line; all but the body; a second one after a whole one.
TEST(WebServer, AsManyHalfRequestsAsItTakesConnectionsKeepNobodyWaiting) {
  AllowManyOpenFiles();
  if (IsSkipped()) return;
  const auto server = WebServer::Start("127.0.0.1:0", [](const WebRequest&) { return WebResponse{200, "", "up"}; });
  ASSERT_TRUE(server.ok()) << server.status();
  for (const char* half : {"", "GET /healthz HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"}) {
    std::vector<UniqueFd> slow;
    while (slow.size() < 2500) slow.push_back(Sent((*server)->port(), half));
    EXPECT_THAT(Exchange((*server)->port(), "GET / HTTP/1.0\r\n\r\n"), HasSubstr("up"));
    EXPECT_TRUE(IsOpen(slow.back())) << "answered only when all others had been given up";
    EXPECT_TRUE(IsOpen(slow[2000])) << "the oldest go";
    EXPECT_FALSE(IsOpen(slow[0]));
  }
}

TEST(WebServer, WhoIsBeingAnsweredStaysWhileHalfRequestsGo) {
  AllowManyOpenFiles();
  if (IsSkipped()) return;
  std::latch asked(1), flooded(1);
  const auto server = WebServer::Start("127.0.0.1:0", [&](const WebRequest& request) {
    if (request.path == "/slow") asked.count_down(), flooded.wait();
    return WebResponse{200, "", "up"};
  });
  ASSERT_TRUE(server.ok()) << server.status();
  std::string answer;
  std::thread patient([&] { answer = Exchange((*server)->port(), "GET /slow HTTP/1.0\r\n\r\n"); });
  asked.wait();
  std::vector<UniqueFd> slow;
  while (slow.size() < 1500) slow.push_back(Sent((*server)->port(), "GET /healthz HTTP/1.1\r\n"));
  EXPECT_THAT(Exchange((*server)->port(), "GET / HTTP/1.0\r\n\r\n"), HasSubstr("up"));
  flooded.count_down();
  patient.join();
  EXPECT_THAT(answer, HasSubstr("up"));
}

TEST(WebServer, AddressesThatCannotBe) {
  const auto code = [](const char* address) {
    return WebServer::Start(address, [](const WebRequest&) { return WebResponse(); }).status().code();
  };
  for (const char* bad :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1", "a.b:1", "[::1"})
    EXPECT_EQ(code(bad), absl::StatusCode::kInvalidArgument) << bad;
  EXPECT_EQ(code("192.0.2.1:0"), absl::StatusCode::kUnavailable);
}

TEST_F(StatusSiteTest, EveryMetricOfActivityHasADefinition) {
  std::vector<Sample> samples;
  activity_.Collect(samples);
  std::set<std::string> defined;
  for (const Definition& d : Definitions()) {
    for (const char* part : {"", "_bucket", "_sum", "_count"}) defined.insert(std::string(d.name) + part);
  }
  for (const Sample& sample : samples) EXPECT_EQ(defined.count(sample.name), 1u) << sample.name;
}

}  // namespace
}  // namespace smelt
