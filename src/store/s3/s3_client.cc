#include "src/store/s3/s3_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <random>
#include <thread>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/s3/s3_failure.h"
#include "src/store/s3/sigv4.h"

namespace smelt {
namespace {

constexpr std::int64_t kErrorBytesMax = 64 << 10;
constexpr std::int64_t kRetryAfterMaxMs = 60'000;

void SleepMilliseconds(std::int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// With a slash behind each of its names, and no other.
std::string Stripped(std::string_view prefix) {
  std::string stripped;
  for (const char c : prefix) {
    if (c != '/' || (!stripped.empty() && stripped.back() != '/')) stripped += c;
  }
  if (!stripped.empty() && stripped.back() != '/') stripped += '/';
  return stripped;
}

std::string EndpointOf(const S3Options& options) {
  if (!options.endpoint.empty()) return options.endpoint;
  return options.region.starts_with("cn-") ? fmt::format("s3.{}.amazonaws.com.cn", options.region)
                                           : fmt::format("s3.{}.amazonaws.com", options.region);
}

std::int64_t RetryAfterMs(const HttpAnswer& answer) {
  const std::string_view text = answer.Header("retry-after");
  std::int64_t seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::clamp<std::int64_t>(seconds, 0, kRetryAfterMaxMs / 1000) * 1000;
}

S3Failure FailureOf(const HttpAnswer& answer, const std::string& where) {
  const auto body = answer.body.Read(0, kErrorBytesMax);
  return FailureOf(answer.status, body.ok() ? ParseS3Error(*body) : S3Error(), where);
}

S3Failure FailureOf(const S3Request& request, const absl::StatusOr<HttpAnswer>& answer, const std::string& where) {
  if (answer.ok() && answer->status / 100 != 2) return FailureOf(*answer, where);
  const absl::Status status = !answer.ok()    ? answer.status()
                              : request.check ? request.check(*answer)
                                              : absl::OkStatus();
  if (status.ok()) return {};
  const bool unanswered = !answer.ok() && absl::IsDeadlineExceeded(status);
  const bool again = answer.ok() || unanswered || absl::IsUnavailable(status);
  return {absl::Status(again ? absl::StatusCode::kUnavailable : status.code(),
                       fmt::format("{}: {}", where, std::string(status.message()))),
          again, unanswered};
}

}  // namespace

S3Client::S3Client(S3Options options, Http& http, CredentialsSource* credentials, Clock& clock, Sleep sleep)
    : options_(std::move(options)),
      http_(http),
      credentials_(credentials),
      clock_(clock),
      sleep_(sleep ? std::move(sleep) : SleepMilliseconds),
      prefix_(Stripped(options_.key_prefix)),
      breaker_(clock, options_.breaker_failures, options_.breaker_open_ms) {
  std::string endpoint = EndpointOf(options_);
  scheme_ = options_.use_ssl ? "https" : "http";
  if (const std::size_t colon = endpoint.find("://"); colon != std::string::npos) {
    scheme_ = endpoint.substr(0, colon);
    endpoint.erase(0, colon + 3);
  }
  while (endpoint.ends_with('/')) endpoint.pop_back();
  host_ = options_.virtual_host_style ? options_.bucket + "." + endpoint : endpoint;
}

std::string S3Client::PathOf(const std::string& key) const {
  const std::string bucket = options_.virtual_host_style ? "/" : "/" + options_.bucket;
  if (key.empty()) return bucket;
  return (options_.virtual_host_style ? bucket : bucket + "/") + prefix_ + key;
}

absl::StatusOr<HttpRequest> S3Client::Signed(const S3Request& request) {
  ToSign to_sign;
  to_sign.method = request.method;
  to_sign.path = UriEscape(PathOf(request.key), true);
  to_sign.query = request.query;
  to_sign.headers = request.headers;
  to_sign.region = options_.region;
  to_sign.now_seconds = clock_.NowNanos() / 1'000'000'000;
  to_sign.headers.emplace_back("host", host_);
  HttpRequest http;
  http.method = request.method;
  http.body = request.body;
  http.sink = request.sink;
  http.answer_bytes_max = request.answer_bytes_max;
  const std::string query = QueryString(request.query);
  http.url = scheme_ + "://" + host_ + to_sign.path + (query.empty() ? "" : "?" + query);
  if (credentials_ != nullptr) {
    ASSIGN_OR_RETURN(const AwsCredentials credentials, credentials_->Get());
    ASSIGN_OR_RETURN(const Digest payload, DigestOf(request.body));
    to_sign.payload_sha256 = payload.Hex();
    to_sign.headers.emplace_back("x-amz-content-sha256", to_sign.payload_sha256);
    to_sign.headers.emplace_back("x-amz-date", AmzDate(to_sign.now_seconds));
    if (!credentials.session_token.empty()) {
      to_sign.headers.emplace_back("x-amz-security-token", credentials.session_token);
    }
    to_sign.headers.emplace_back("authorization", AuthorizationOf(to_sign, credentials));
  }
  http.headers = std::move(to_sign.headers);
  return http;
}

absl::StatusOr<HttpAnswer> S3Client::Try(const S3Request& request, bool again) {
  S3Counters::OfOperation& counters = counters_.Of(request.operation);
  ASSIGN_OR_RETURN(const HttpRequest http, Signed(request));
  ++counters.requests;
  if (again) ++counters.retries;
  counters.bytes_sent += request.body.size();
  absl::StatusOr<HttpAnswer> answer = http_.Send(http);
  if (answer.ok()) counters.bytes_received += answer->body.size() + answer->sunk_bytes;
  if (!answer.ok() || (answer->status / 100 != 2 && answer->status != 404)) ++counters.failures;
  return answer;
}

void S3Client::Pause(int attempt, std::int64_t at_least_ms) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const std::int64_t doubled = std::int64_t{options_.first_pause_ms} << std::min(attempt, 20);
  const std::int64_t full = std::max<std::int64_t>(1, std::min<std::int64_t>(doubled, options_.pause_ms_max));
  sleep_(std::max(at_least_ms, full / 2 + std::uniform_int_distribution<std::int64_t>(0, full - full / 2)(random)));
}

std::string S3Client::WhereOf(const S3Request& request) const {
  return fmt::format("s3: {} {}{}", kS3OperationNames[static_cast<std::size_t>(request.operation)], options_.bucket,
                     request.key.empty() ? "" : "/" + prefix_ + request.key);
}

void S3Client::Note(const S3Failure& failure) {
  if (failure.unanswered) {
    breaker_.Unanswered();
  } else {
    failure.again ? breaker_.Failed() : breaker_.Succeeded();
  }
  counters_.breaker_open = breaker_.IsOpen();
  const std::lock_guard lock(mu_);
  if (failure.again) last_failure_ = std::string(failure.status.message());
}

absl::Status S3Client::NotTried(const std::string& where) {
  ++counters_.refused_by_breaker;
  const std::lock_guard lock(mu_);
  return absl::UnavailableError(
      fmt::format("{}: not tried, since the bucket has not answered for a while: {}", where, last_failure_));
}

absl::StatusOr<HttpAnswer> S3Client::Send(const S3Request& request) {
  const std::string where = WhereOf(request);
  S3Failure failure;
  bool refreshed = false;
  for (int attempt = 0; attempt < options_.attempts_max; ++attempt) {
    if (!breaker_.Allow()) return NotTried(where);
    absl::StatusOr<HttpAnswer> answer = Try(request, attempt > 0);
    failure = FailureOf(request, answer, where);
    Note(failure);
    if (failure.status.ok()) return answer;
    if (failure.credentials_expired && credentials_ != nullptr && !std::exchange(refreshed, true)) {
      credentials_->Forget();
      continue;
    }
    if (!failure.again) return failure.status;
    if (attempt + 1 < options_.attempts_max) Pause(attempt, answer.ok() ? RetryAfterMs(*answer) : 0);
  }
  return failure.status;
}

std::vector<std::pair<std::string, std::string>> EncryptionHeaders(const S3Options& options) {
  if (options.encryption == S3Options::Encryption::kNone) return {};
  const bool kms = options.encryption == S3Options::Encryption::kKms;
  std::vector<std::pair<std::string, std::string>> headers = {
      {"x-amz-server-side-encryption", kms ? "aws:kms" : "AES256"}};
  if (kms && !options.kms_key_id.empty()) {
    headers.emplace_back("x-amz-server-side-encryption-aws-kms-key-id", options.kms_key_id);
  }
  return headers;
}

}  // namespace smelt
