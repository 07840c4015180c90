#ifndef SMELT_STORE_S3_CREDENTIALS_CHAIN_H_
#define SMELT_STORE_S3_CREDENTIALS_CHAIN_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/s3/credentials.h"
#include "src/store/s3/http.h"

namespace smelt {

// What the chain looks at, so that tests can make it.
struct CredentialsEnvironment {
  std::function<std::string(const std::string& variable)> variable;  // "" if it is not set
  std::function<absl::StatusOr<std::string>(const std::string& path)> read_file;

  static CredentialsEnvironment System();
};

// The credentials that Amazon's own tools would use, in their order:
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; unless a profile is named
//   2. AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE (EKS): AssumeRoleWithWebIdentity; unless a profile is named
//   3. the profile (`profile`, AWS_PROFILE, "default") of ~/.aws/credentials and ~/.aws/config: keys, a role with a web
//      identity, or a role of another profile (source_profile)
//   4. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (ECS, EKS Pod Identity)
//   5. the instance's metadata service, version 2; not with AWS_EC2_METADATA_DISABLED=true
// Single sign-on and credential_process are not understood; the error says what to do. Refreshed before they expire.
// `http` and `clock` outlive the source.
std::unique_ptr<CredentialsSource> OpenCredentials(std::string profile, CredentialsEnvironment environment, Http& http,
                                                   Clock& clock);

// AWS_REGION, AWS_DEFAULT_REGION, the profile's `region`, or "".
std::string RegionOf(const std::string& profile, const CredentialsEnvironment& environment);

// AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, what the profile's `services` say of s3, its `endpoint_url`, or "".
// With AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true only the variables.
std::string EndpointOf(const std::string& profile, const CredentialsEnvironment& environment);

}  // namespace smelt

#endif  // SMELT_STORE_S3_CREDENTIALS_CHAIN_H_
