#include "src/store/s3/s3_failure.h"

#include <string>

#include "fmt/format.h"

namespace smelt {
namespace {

struct Meaning {
  std::string_view code;
  absl::StatusCode status;
  bool again;
  std::string_view mend;
};

constexpr auto kConfig = absl::StatusCode::kUnimplemented;
constexpr auto kRefused = absl::StatusCode::kPermissionDenied;
constexpr auto kUnknown = absl::StatusCode::kUnauthenticated;
constexpr auto kPasses = absl::StatusCode::kUnavailable;

constexpr Meaning kMeanings[] = {
    {"NoSuchBucket", kConfig, false, "create the bucket, or mend `bucket`, `endpoint` or `region`"},
    {"InvalidBucketName", kConfig, false, "mend `bucket`"},
    {"PermanentRedirect", kConfig, false, "the bucket is in another region: mend `region` or `endpoint`"},
    {"AuthorizationHeaderMalformed", kConfig, false, "mend `region`"},
    {"KMS.NotFoundException", kConfig, false, "mend the KMS key id"},
    {"NoSuchKey", absl::StatusCode::kNotFound, false, ""},
    {"NoSuchUpload", absl::StatusCode::kAborted, false, "something aborted the upload"},
    {"InvalidRange", absl::StatusCode::kOutOfRange, false, ""},
    {"AccessDenied", kRefused, false, "these credentials may not do that: give them the right, or use others"},
    {"InvalidToken", kUnknown, false, "use other credentials"},
    {"InvalidAccessKeyId", kUnknown, false, "use other credentials"},
    {"SignatureDoesNotMatch", kUnknown, false, "the secret access key is not the one of the access key id"},
    {"NotImplemented", kConfig, false, "the bucket does not know that: mend `server_side_encryption`"},
    {"RequestTimeTooSkewed", kUnknown, false, "set this machine's clock"},
    {"QuotaExceeded", absl::StatusCode::kResourceExhausted, false, "the bucket is full"},
    {"BadDigest", kPasses, true, ""},
    {"XAmzContentSHA256Mismatch", kPasses, true, ""},
    {"XAmzContentChecksumMismatch", kPasses, true, ""},
    {"IncompleteBody", kPasses, true, ""},
    {"RequestTimeout", kPasses, true, ""},
    {"OperationAborted", kPasses, true, ""},
    {"InternalError", kPasses, true, ""},
    {"SlowDown", kPasses, true, ""},
    {"ServiceUnavailable", kPasses, true, ""},
};

// For answers without XML, or with a code that we do not know.
Meaning MeaningOf(int status) {
  if (status == 404) return {"", absl::StatusCode::kNotFound, false, ""};
  if (status == 416) return {"", absl::StatusCode::kOutOfRange, false, ""};
  if (status == 401 || status == 403) return {"", kRefused, false, "these credentials may not do that"};
  if (status == 408 || status == 429) return {"", kPasses, true, ""};
  if (status == 409) return {"", absl::StatusCode::kAborted, false, "something else has done that at the same time"};
  if (status == 507) return {"", absl::StatusCode::kResourceExhausted, false, "the bucket is full"};
  if (status >= 500) return {"", kPasses, true, ""};
  if (status >= 300 && status < 400)
    return {"", kConfig, false, "the bucket is elsewhere: mend `region` or `endpoint`"};
  return {"", kConfig, false, "mend the bucket's configuration"};
}

Meaning MeaningOf(int status, std::string_view code) {
  for (const Meaning& meaning : kMeanings) {
    if (meaning.code == code) return meaning;
  }
  return MeaningOf(status);
}

}  // namespace

S3Failure FailureOf(int http_status, const S3Error& error, std::string_view where) {
  const Meaning meaning = MeaningOf(http_status, error.code);
  std::string text = fmt::format("{}: HTTP {}", where, http_status);
  if (!error.code.empty()) text += " " + error.code;
  if (!meaning.mend.empty()) text += fmt::format("; {}", meaning.mend);
  S3Failure failure{absl::Status(meaning.status, text), meaning.again};
  failure.credentials_expired =
      error.code == "ExpiredToken" || error.code == "ExpiredTokenException" || error.code == "TokenRefreshRequired";
  if (failure.credentials_expired) failure.status = absl::Status(kUnknown, text + "; the credentials have expired");
  return failure;
}

}  // namespace smelt
