#include "src/store/s3/metadata_service.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "src/base/ascii.h"
#include "src/base/status_macros.h"
#include "src/base/url_host.h"
#include "src/store/s3/credentials_text.h"

namespace smelt {
namespace {

constexpr std::int64_t kTimeoutMs = 1000;
constexpr int kTries = 3;
constexpr std::int64_t kAnswerBytesMax = 64 << 10;

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string Line(std::string text) {
  text.erase(std::find_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }), text.end());
  return text;
}

absl::StatusOr<std::string> Ask(Http& http, const std::string& method, const std::string& url, Headers headers,
                                int tries) {
  HttpRequest request;
  request.method = method;
  request.url = url;
  request.headers = std::move(headers);
  request.timeout_ms = kTimeoutMs;
  request.direct = true;
  absl::Status failed;
  for (int i = 0; i < tries; ++i) {
    const absl::StatusOr<HttpAnswer> answer = http.Send(request);
    if (answer.ok() && answer->status == 200) return answer->body.Read(0, kAnswerBytesMax);
    if (answer.ok() && answer->status == 404) return absl::NotFoundError("HTTP 404");
    failed = answer.ok() ? absl::UnavailableError(fmt::format("HTTP {}", answer->status)) : answer.status();
  }
  return failed;
}

// A token goes to nobody else in the clear.
bool MayHaveToken(const std::string& url) {
  if (url.starts_with("https://")) return true;
  const std::string_view host = UrlHost(url);
  return IsLoopbackHost(host) || host == "169.254.170.2" || host == "169.254.170.23" || host == "[fd00:ec2::23]";
}

absl::Status Described(const std::string& place, const absl::Status& status) {
  return absl::Status(absl::StatusCode::kUnavailable,
                      fmt::format("s3: credentials from {}: {}", place, std::string(status.message())));
}

}  // namespace

absl::StatusOr<AwsCredentials> FetchFromContainer(const CredentialsEnvironment& environment, Http& http) {
  const std::string relative = environment.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const std::string full = environment.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return absl::NotFoundError("");
  const std::string url = relative.empty() ? full : "http://169.254.170.2" + relative;
  if (!MayHaveToken(url)) {
    return absl::InvalidArgumentError(
        "s3: AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or an address of this machine or its container host");
  }
  std::string token = environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const std::string file = environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!file.empty()) {
    const auto text = environment.read_file(file);
    if (!text.ok())
      return absl::UnauthenticatedError(fmt::format("s3: the container's token file {} cannot be read", file));
    token = Line(*text);
  }
  const Headers headers = token.empty() ? Headers{} : Headers{{"authorization", token}};
  const absl::StatusOr<std::string> answer = Ask(http, "GET", url, headers, kTries);
  if (!answer.ok()) return Described("the container's endpoint", answer.status());
  absl::StatusOr<AwsCredentials> credentials = ParseCredentialsJson(*answer);
  if (!credentials.ok()) return Described("the container's endpoint", credentials.status());
  return credentials;
}

absl::StatusOr<AwsCredentials> FetchFromInstance(const CredentialsEnvironment& environment, Http& http) {
  if (LowerCase(environment.variable("AWS_EC2_METADATA_DISABLED")) == "true") return absl::NotFoundError("");
  std::string base = environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (base.empty()) base = "http://169.254.169.254";
  while (base.ends_with('/')) base.pop_back();
  const absl::StatusOr<std::string> session =
      Ask(http, "PUT", base + "/latest/api/token", {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}}, 1);
  if (!session.ok()) return absl::NotFoundError("");  // not on such a machine
  const Headers headers = {{"x-aws-ec2-metadata-token", Line(*session)}};
  const std::string roles = base + "/latest/meta-data/iam/security-credentials/";
  const absl::StatusOr<std::string> role = Ask(http, "GET", roles, headers, kTries);
  if (absl::IsNotFound(role.status())) return role.status();
  if (!role.ok()) return Described("the instance's metadata service", role.status());
  const absl::StatusOr<std::string> answer = Ask(http, "GET", roles + Line(*role), headers, kTries);
  if (!answer.ok()) return Described("the instance's metadata service", answer.status());
  absl::StatusOr<AwsCredentials> credentials = ParseCredentialsJson(*answer);
  if (!credentials.ok()) return Described("the instance's metadata service", credentials.status());
  return credentials;
}

}  // namespace smelt
