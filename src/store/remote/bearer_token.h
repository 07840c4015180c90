#ifndef SMELT_STORE_REMOTE_BEARER_TOKEN_H_
#define SMELT_STORE_REMOTE_BEARER_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "src/base/clock.h"
#include "src/store/remote/remote_options.h"

namespace smelt {

// The token of the options, or what its file or command says, asked again after a minute: CI's identity tokens are
// renewed on disk. Thread-safe. Errors name the file or the command and never what was read.
class BearerToken {
 public:
  static constexpr std::int64_t kFreshNanos = 60'000'000'000;

  BearerToken(const RemoteOptions& options, Clock& clock) : options_(options), clock_(clock) {}

  // Empty if there is none. INVALID_ARGUMENT where it cannot be had or is no token (empty, or not of one printable
  // word).
  absl::StatusOr<std::string> Get();

  // It was refused: the next Get asks anew.
  void Forget();

 private:
  absl::StatusOr<std::string> Read();

  const RemoteOptions options_;
  Clock& clock_;
  absl::Mutex mu_;
  std::string token_ ABSL_GUARDED_BY(mu_);
  std::int64_t read_ns_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_BEARER_TOKEN_H_
