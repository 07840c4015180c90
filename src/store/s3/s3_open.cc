#include <cstdlib>
#include <utility>

#include "src/store/s3/curl_http.h"
#include "src/store/s3/s3_object_store.h"

namespace smelt {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

absl::StatusOr<std::unique_ptr<S3ObjectStore>> S3ObjectStore::Open(S3Options options, Clock& clock) {
  if (options.bucket.empty()) return absl::InvalidArgumentError("s3: no bucket: set `bucket`");
  if (options.region.empty()) options.region = Environment("AWS_REGION");
  if (options.region.empty()) options.region = Environment("AWS_DEFAULT_REGION");
  if (options.region.empty()) options.region = "us-east-1";
  std::unique_ptr<CredentialsSource> credentials;
  if (!options.no_credentials) {
    credentials = std::make_unique<StaticCredentials>(AwsCredentials{
        Environment("AWS_ACCESS_KEY_ID"), Environment("AWS_SECRET_ACCESS_KEY"), Environment("AWS_SESSION_TOKEN")});
  }
  CurlHttpOptions http;
  http.ca_bundle = options.ca_bundle;
  http.connect_timeout_ms = options.connect_timeout_ms;
  http.stall_timeout_s = options.stall_timeout_s;
  return std::make_unique<S3ObjectStore>(std::move(options), std::make_unique<CurlHttp>(http), std::move(credentials),
                                         clock);
}

}  // namespace smelt
