#include "src/store/s3/token_service.h"

#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/store/s3/credentials_text.h"
#include "src/store/s3/s3_answers.h"
#include "src/store/s3/sigv4.h"

namespace smelt {
namespace {

constexpr std::int64_t kTimeoutMs = 5000;
constexpr int kTries = 3;
constexpr std::int64_t kAnswerBytesMax = 64 << 10;

using Form = std::vector<std::pair<std::string, std::string>>;

Form FormOf(const std::string& action, const AssumedRole& role) {
  Form form = {{"Action", action},
               {"Version", "2011-06-15"},
               {"RoleArn", role.arn},
               {"RoleSessionName", role.session_name.empty() ? "smelt" : role.session_name}};
  if (!role.external_id.empty()) form.emplace_back("ExternalId", role.external_id);
  return form;
}

// What is wrong is said by code, never by the service's message, which may repeat what it was sent.
absl::StatusOr<AwsCredentials> Send(const TokenService& service, const HttpRequest& request) {
  absl::Status failed;
  for (int i = 0; i < kTries; ++i) {
    const absl::StatusOr<HttpAnswer> answer = service.http.Send(request);
    failed = answer.status();
    if (!answer.ok()) continue;
    ASSIGN_OR_RETURN(const std::string body, answer->body.Read(0, kAnswerBytesMax));
    if (answer->status == 200) return ParseAssumeRole(body);
    const std::string text =
        fmt::format("s3: the STS at {} answered HTTP {} {}", service.endpoint, answer->status, ParseS3Error(body).code);
    failed = answer->status >= 500 || answer->status == 429 ? absl::UnavailableError(text)
                                                            : absl::PermissionDeniedError(text);
    if (absl::IsPermissionDenied(failed)) return failed;
  }
  return failed;
}

HttpRequest RequestOf(const TokenService& service, const Form& form) {
  HttpRequest request;
  request.method = "POST";
  request.url = service.endpoint + "/";
  request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
  request.body = Bytes(QueryString(form));
  request.timeout_ms = kTimeoutMs;
  return request;
}

}  // namespace

absl::StatusOr<AwsCredentials> AssumeRoleWithWebIdentity(const TokenService& service, const AssumedRole& role,
                                                         const std::string& token) {
  Form form = FormOf("AssumeRoleWithWebIdentity", role);
  form.emplace_back("WebIdentityToken", token.substr(0, token.find_last_not_of("\r\n \t") + 1));
  return Send(service, RequestOf(service, form));
}

absl::StatusOr<AwsCredentials> AssumeRole(const TokenService& service, const AssumedRole& role,
                                          const AwsCredentials& own) {
  HttpRequest request = RequestOf(service, FormOf("AssumeRole", role));
  ASSIGN_OR_RETURN(const Digest payload, DigestOf(request.body));
  ToSign to_sign;
  to_sign.method = "POST";
  to_sign.path = "/";
  to_sign.region = service.region;
  to_sign.service = "sts";
  to_sign.now_seconds = service.clock.NowNanos() / 1'000'000'000;
  to_sign.payload_sha256 = payload.Hex();
  to_sign.headers = request.headers;
  to_sign.headers.emplace_back("host", service.endpoint.substr(service.endpoint.find("://") + 3));
  to_sign.headers.emplace_back("x-amz-date", AmzDate(to_sign.now_seconds));
  if (!own.session_token.empty()) to_sign.headers.emplace_back("x-amz-security-token", own.session_token);
  to_sign.headers.emplace_back("authorization", AuthorizationOf(to_sign, own));
  request.headers = std::move(to_sign.headers);
  return Send(service, request);
}

}  // namespace smelt
