#ifndef SMELT_STORE_S3_METADATA_SERVICE_H_
#define SMELT_STORE_S3_METADATA_SERVICE_H_

#include "absl/status/statusor.h"
#include "src/store/s3/aws_credentials.h"
#include "src/store/s3/credentials_chain.h"
#include "src/store/s3/http.h"

namespace smelt {

// The credentials of the container's task (ECS, EKS Pod Identity). NOT_FOUND if the environment names no endpoint,
// UNAVAILABLE if that does not answer as it should, INVALID_ARGUMENT if it is none that a token may be sent to.
absl::StatusOr<AwsCredentials> FetchFromContainer(const CredentialsEnvironment& environment, Http& http);

// The credentials of the instance's role (EC2, IMDSv2). NOT_FOUND if there is no such service, it has no role, or
// AWS_EC2_METADATA_DISABLED is true.
absl::StatusOr<AwsCredentials> FetchFromInstance(const CredentialsEnvironment& environment, Http& http);

}  // namespace smelt

#endif  // SMELT_STORE_S3_METADATA_SERVICE_H_
