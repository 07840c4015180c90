#ifndef SMELT_CONFIG_S3_TEXTS_H_
#define SMELT_CONFIG_S3_TEXTS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "src/store/s3/s3_options.h"

namespace smelt {

// What names a bucket, looked at before anybody asks for it. INVALID_ARGUMENT says what is wrong and what would be
// right; for an empty text nothing is.

// Letters, digits, '.', '-' and '_'. Amazon is stricter, other services are not.
absl::Status CheckBucketName(std::string_view name);

// "host", "host:port", "http://host:port" or "https://host:port": without a path, a user or a query.
absl::Status CheckS3Endpoint(std::string_view endpoint);

// Names with slashes between them, none of them "." or "..", which services and tools take for something else.
absl::Status CheckKeyPrefix(std::string_view prefix);

// A key of Amazon's KMS is for its encryption only.
absl::Status CheckKmsKey(std::string_view kms_key_id, S3Options::Encryption encryption);

// Of memory for a bucket's index: 16 MiB at least.
absl::Status CheckIndexMemory(std::int64_t bytes);

// "AES256" and "aws:kms"; nullopt for anything else.
std::optional<S3Options::Encryption> EncryptionOf(std::string_view name);

}  // namespace smelt

#endif  // SMELT_CONFIG_S3_TEXTS_H_
