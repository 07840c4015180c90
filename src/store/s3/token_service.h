#ifndef SMELT_STORE_S3_TOKEN_SERVICE_H_
#define SMELT_STORE_S3_TOKEN_SERVICE_H_

#include <string>

#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/s3/aws_credentials.h"
#include "src/store/s3/http.h"

namespace smelt {

// Amazon's Security Token Service, which gives credentials for a role.
struct TokenService {
  Http& http;
  Clock& clock;
  std::string endpoint;  // "https://sts.eu-west-1.amazonaws.com"
  std::string region;
};

struct AssumedRole {
  std::string arn;
  std::string session_name;  // empty: "smelt"
  std::string external_id;   // empty: none
};

// By a token that an identity provider has signed (EKS puts it into a file). UNAVAILABLE if the service does not
// answer, PERMISSION_DENIED, with its code, if it refuses.
absl::StatusOr<AwsCredentials> AssumeRoleWithWebIdentity(const TokenService& service, const AssumedRole& role,
                                                         const std::string& token);

// By credentials that may assume it.
absl::StatusOr<AwsCredentials> AssumeRole(const TokenService& service, const AssumedRole& role,
                                          const AwsCredentials& own);

}  // namespace smelt

#endif  // SMELT_STORE_S3_TOKEN_SERVICE_H_
