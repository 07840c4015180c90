#include "src/store/s3/curl_http.h"

#include <string>

#include "gtest/gtest.h"
#include "src/testing/http_server.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

class CurlHttpTest : public testing::Test {
 protected:
  absl::StatusOr<HttpAnswer> Send(const HttpRequest& request) {
    CurlHttpOptions options;
    options.staging_directory = directory_.path();
    return CurlHttp(options).Send(request);
  }

  HttpRequest Request() const {
    HttpRequest request;
    request.url = server_.Url();
    return request;
  }

  ServedAnswer answer_;
  TempDir directory_;
  HttpServer server_{[this](const ServedRequest&) { return answer_; }};
};

TEST_F(CurlHttpTest, AnAnswerIsBounded) {
  HttpRequest request = Request();
  request.answer_bytes_max = 1'000'000;
  answer_.body = std::string(1'000'000, 'x');
  const auto answer = Send(request);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->body.size(), 1'000'000);
  answer_.body.push_back('x');
  EXPECT_THAT(Send(request), StatusIs(StatusCode::kUnavailable, HasSubstr("more than 1000000 bytes")));
}

TEST_F(CurlHttpTest, ASinkTakesWhatItLikes) {
  HttpRequest request = Request();
  request.answer_bytes_max = 10;
  std::int64_t taken = 0;
  const BodySink sink = {.begin = [&] { taken = 0; },
                         .add =
                             [&](std::string_view piece) {
                               taken += static_cast<std::int64_t>(piece.size());
                               return absl::OkStatus();
                             }};
  request.sink = &sink;
  answer_.body = std::string(1'000'000, 'x');
  ASSERT_OK(Send(request));
  EXPECT_EQ(taken, 1'000'000);
  answer_.status = 500;
  EXPECT_THAT(Send(request), StatusIs(StatusCode::kUnavailable)) << "what is no success is not for it";
}

TEST_F(CurlHttpTest, HeadersAreBounded) {
  for (int i = 0; i < 100; ++i) answer_.headers["header-" + std::to_string(i)] = std::string(1000, 'x');
  EXPECT_OK(Send(Request()));
  for (int i = 0; i < 1000; ++i) answer_.headers["more-" + std::to_string(i)] = std::string(1000, 'x');
  EXPECT_THAT(Send(Request()), StatusIs(StatusCode::kUnavailable, HasSubstr("headers of more than")));
}

}  // namespace
}  // namespace smelt
