#ifndef SMELT_STORE_REMOTE_LINK_BREAKER_H_
#define SMELT_STORE_REMOTE_LINK_BREAKER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "src/base/clock.h"

namespace smelt {

// After a failure that concerns everybody (no connection, no answer, refused credentials) calls fail at once for a
// while: 5 s, then twice as long with each further failure, 60 s at most. After that calls go through again; the next
// success closes it. Thread-safe.
class LinkBreaker {
 public:
  static constexpr std::int64_t kFirstNanos = 5'000'000'000;
  static constexpr std::int64_t kLongestNanos = 60'000'000'000;

  explicit LinkBreaker(Clock& clock) : clock_(clock) {}

  // OK, or UNAVAILABLE with the reason while calls are to fail at once.
  absl::Status Check();

  void Succeeded();

  // Failures of calls that were under way together count once.
  void Failed(const absl::Status& status);

  // Of the last failure since which nothing has succeeded; empty if there is none.
  std::string Problem();

 private:
  Clock& clock_;
  absl::Mutex mu_;
  std::int64_t open_until_ns_ ABSL_GUARDED_BY(mu_) = 0;
  std::int64_t next_ns_ ABSL_GUARDED_BY(mu_) = kFirstNanos;
  std::string problem_ ABSL_GUARDED_BY(mu_);
};

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_LINK_BREAKER_H_
