#ifndef SMELT_STORE_S3_AWS_CREDENTIALS_H_
#define SMELT_STORE_S3_AWS_CREDENTIALS_H_

#include <cstdint>
#include <string>

namespace smelt {

// What requests are signed with. The second and third are secrets: they are in no log and in no message of an error.
struct AwsCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;         // empty for keys that are for ever
  std::int64_t expires_seconds = 0;  // since 1970; 0: never

  friend bool operator==(const AwsCredentials&, const AwsCredentials&) = default;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_AWS_CREDENTIALS_H_
