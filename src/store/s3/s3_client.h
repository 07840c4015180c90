#ifndef SMELT_STORE_S3_S3_CLIENT_H_
#define SMELT_STORE_S3_S3_CLIENT_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/bytes.h"
#include "src/store/s3/circuit_breaker.h"
#include "src/store/s3/credentials.h"
#include "src/store/s3/http.h"
#include "src/store/s3/s3_counters.h"
#include "src/store/s3/s3_failure.h"
#include "src/store/s3/s3_options.h"

namespace smelt {

// One request to the bucket.
struct S3Request {
  S3Operation operation = S3Operation::kGet;
  std::string method = "GET";
  std::string key;  // of an object, without the options' prefix; empty for the bucket itself
  std::vector<std::pair<std::string, std::string>> query = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  Bytes body = {};
  const BodySink* sink = nullptr;                                // HttpRequest::sink
  std::int64_t answer_bytes_max = HttpRequest::kAnswerBytesMax;  // HttpRequest::answer_bytes_max

  // Called with an answer of 2xx; an error means that it was damaged on its way, and that another try may help.
  std::function<absl::Status(const HttpAnswer&)> check = {};
};

// Signs, sends, tries again, and says in a status what became of it. Thread-safe; blocks.
class S3Client {
 public:
  using Sleep = std::function<void(std::int64_t milliseconds)>;

  // All references outlive this. `credentials` may be null: then nothing is signed. `sleep` is for tests.
  S3Client(S3Options options, Http& http, CredentialsSource* credentials, Clock& clock, Sleep sleep = {});

  // The answer, if its status is 2xx. Errors are those of ObjectStore; OUT_OF_RANGE is for a range beyond the end.
  absl::StatusOr<HttpAnswer> Send(const S3Request& request);

  // "/prefix/key" of the object, with the bucket in path style; not escaped.
  std::string PathOf(const std::string& key) const;

  const S3Options& options() const { return options_; }
  S3Counters& counters() { return counters_; }

  // The options' prefix, with a slash behind it unless it is empty.
  const std::string& prefix() const { return prefix_; }

 private:
  std::string WhereOf(const S3Request& request) const;
  absl::StatusOr<HttpRequest> Signed(const S3Request& request);
  absl::StatusOr<HttpAnswer> Try(const S3Request& request, bool again);
  void Note(const S3Failure& failure);  // to the breaker
  absl::Status NotTried(const std::string& where);
  void Pause(int attempt, std::int64_t at_least_ms);

  S3Options options_;
  Http& http_;
  CredentialsSource* credentials_;
  Clock& clock_;
  Sleep sleep_;
  std::string scheme_, host_, prefix_;
  CircuitBreaker breaker_;
  S3Counters counters_;
  std::mutex mu_;
  std::string last_failure_;  // guarded by mu_
};

// The headers of a request that makes an object.
std::vector<std::pair<std::string, std::string>> EncryptionHeaders(const S3Options& options);

}  // namespace smelt

#endif  // SMELT_STORE_S3_S3_CLIENT_H_
