#ifndef SMELT_STORE_S3_SIGV4_H_
#define SMELT_STORE_S3_SIGV4_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/store/s3/aws_credentials.h"

namespace smelt {

// What a signature covers. Pure: the same input gives the same signature.
struct ToSign {
  std::string method;
  std::string path;                                          // escaped, from the first slash
  std::vector<std::pair<std::string, std::string>> query;    // not escaped, in any order
  std::vector<std::pair<std::string, std::string>> headers;  // all of them, "host" among them
  std::string payload_sha256;                                // hexadecimal
  std::string region;
  std::string service = "s3";
  std::int64_t now_seconds = 0;  // since 1970
};

// The header "Authorization" of AWS Signature Version 4. `headers` must hold x-amz-date and, where the credentials have
// one, x-amz-security-token: what is not in `headers` is not signed.
std::string AuthorizationOf(const ToSign& request, const AwsCredentials& credentials);

// "20130524T000000Z".
std::string AmzDate(std::int64_t seconds);

// Everything but A-Z a-z 0-9 - _ . ~ as %XX; slashes stay if `keep_slashes`.
std::string UriEscape(std::string_view text, bool keep_slashes);

// "a=b&c=d": escaped, sorted, as it is signed and sent.
std::string QueryString(std::vector<std::pair<std::string, std::string>> query);

}  // namespace smelt

#endif  // SMELT_STORE_S3_SIGV4_H_
