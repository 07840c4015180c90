#ifndef SMELT_STORE_S3_S3_FAILURE_H_
#define SMELT_STORE_S3_S3_FAILURE_H_

#include <string_view>

#include "absl/status/status.h"
#include "src/store/s3/s3_answers.h"

namespace smelt {

// What an answer that is no success means. Pure.
struct S3Failure {
  absl::Status status;
  bool again = false;                // worth another try: UNAVAILABLE if that fails too
  bool unanswered = false;           // nobody was there to answer
  bool credentials_expired = false;  // worth another try with fresh credentials
};

// `where` is for the message: operation, bucket and key.
S3Failure FailureOf(int http_status, const S3Error& error, std::string_view where);

}  // namespace smelt

#endif  // SMELT_STORE_S3_S3_FAILURE_H_
