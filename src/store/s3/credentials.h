#ifndef SMELT_STORE_S3_CREDENTIALS_H_
#define SMELT_STORE_S3_CREDENTIALS_H_

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/s3/aws_credentials.h"

namespace smelt {

// Where credentials come from. Thread-safe; may block for a request. No message of an error has a secret in it.
class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;

  // Credentials that are valid for some minutes more. UNAUTHENTICATED, with all places that were looked at, if there
  // are none; UNAVAILABLE if the place they are in does not answer now.
  virtual absl::StatusOr<AwsCredentials> Get() = 0;

  // They were refused as expired: the next Get asks again.
  virtual void Forget() {}
};

// Always the same.
class StaticCredentials : public CredentialsSource {
 public:
  explicit StaticCredentials(AwsCredentials credentials) : credentials_(std::move(credentials)) {}
  absl::StatusOr<AwsCredentials> Get() override { return credentials_; }

 private:
  AwsCredentials credentials_;
};

// Remembers what `fetch` gave until kEarlySeconds before it expires. When a fetch fails and what is remembered is still
// valid, that is used, and fetched again after kPauseSeconds; when nothing is, all calls have that error for
// kFailedSeconds, since a place that does not answer takes a second or more to say so.
class RefreshingCredentials : public CredentialsSource {
 public:
  static constexpr std::int64_t kEarlySeconds = 300;
  static constexpr std::int64_t kPauseSeconds = 30;
  static constexpr std::int64_t kFailedSeconds = 5;
  using Fetch = std::function<absl::StatusOr<AwsCredentials>()>;

  // `clock` outlives this. One call of `fetch` at a time.
  RefreshingCredentials(Clock& clock, Fetch fetch) : clock_(clock), fetch_(std::move(fetch)) {}

  absl::StatusOr<AwsCredentials> Get() override;
  void Forget() override;

 private:
  Clock& clock_;
  Fetch fetch_;
  std::mutex mu_;
  std::optional<AwsCredentials> held_;    // guarded by mu_
  absl::Status failed_;                   // guarded by mu_; of the last fetch
  std::int64_t fetch_after_seconds_ = 0;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_CREDENTIALS_H_
