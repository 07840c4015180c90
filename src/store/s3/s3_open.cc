#include <utility>

#include "src/store/s3/credentials_chain.h"
#include "src/store/s3/curl_http.h"
#include "src/store/s3/s3_object_store.h"

namespace smelt {
namespace {

// Credentials come by connections of their own: quick to give up, and whatever the bucket's certificate.
class OwnHttpCredentials : public CredentialsSource {
 public:
  OwnHttpCredentials(const std::string& profile, const CredentialsEnvironment& environment, Clock& clock)
      : http_(CurlHttpOptions{environment.variable("AWS_CA_BUNDLE"), "", 2000, 10}),
        source_(OpenCredentials(profile, environment, http_, clock)) {}

  absl::StatusOr<AwsCredentials> Get() override { return source_->Get(); }
  void Forget() override { source_->Forget(); }

 private:
  CurlHttp http_;
  std::unique_ptr<CredentialsSource> source_;
};

absl::Status Check(const S3Options& options) {
  if (options.bucket.empty()) return absl::InvalidArgumentError("s3: no bucket is named: set `bucket`");
  if (options.bucket.find_first_of("/ ?#") != std::string::npos) {
    return absl::InvalidArgumentError("s3: `bucket` is a bucket's name, without slashes: mend it");
  }
  if (options.part_bytes < 5 << 20) return absl::InvalidArgumentError("s3: parts are 5 MiB at least");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<S3ObjectStore>> S3ObjectStore::Open(S3Options options, Clock& clock) {
  if (const absl::Status checked = Check(options); !checked.ok()) return checked;
  const CredentialsEnvironment environment = CredentialsEnvironment::System();
  if (options.region.empty()) options.region = RegionOf(options.profile, environment);
  if (options.region.empty()) options.region = "us-east-1";
  if (options.endpoint.empty()) options.endpoint = EndpointOf(options.profile, environment);
  if (options.ca_bundle.empty()) options.ca_bundle = environment.variable("AWS_CA_BUNDLE");
  std::unique_ptr<CredentialsSource> credentials;
  if (!options.no_credentials) {
    credentials = std::make_unique<OwnHttpCredentials>(options.profile, environment, clock);
  }
  const CurlHttpOptions http{options.ca_bundle, options.staging_directory, options.connect_timeout_ms,
                             options.stall_timeout_s, options.quiet_timeout_s};
  return std::make_unique<S3ObjectStore>(std::move(options), std::make_unique<CurlHttp>(http), std::move(credentials),
                                         clock);
}

}  // namespace smelt
