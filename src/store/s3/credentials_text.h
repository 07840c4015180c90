#ifndef SMELT_STORE_S3_CREDENTIALS_TEXT_H_
#define SMELT_STORE_S3_CREDENTIALS_TEXT_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "src/store/s3/aws_credentials.h"

namespace smelt {

// What credentials look like in files and answers. Pure; no message of an error repeats any of the text.

using AwsProfile = std::map<std::string, std::string, std::less<>>;
using AwsProfiles = std::map<std::string, AwsProfile, std::less<>>;

// ~/.aws/credentials, where a section is named "[name]", and ~/.aws/config, where it is "[profile name]" or
// "[default]". A nested value is "key.nested". Takes what it understands: comments and broken lines are passed over.
AwsProfiles ParseAwsProfiles(std::string_view text);

// The JSON of the instance's and the container's metadata services: AccessKeyId, SecretAccessKey, Token, Expiration.
absl::StatusOr<AwsCredentials> ParseCredentialsJson(std::string_view text);

// The XML of the STS: AssumeRole and AssumeRoleWithWebIdentity.
absl::StatusOr<AwsCredentials> ParseAssumeRole(std::string_view xml);

}  // namespace smelt

#endif  // SMELT_STORE_S3_CREDENTIALS_TEXT_H_
