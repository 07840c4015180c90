#ifndef SMELT_STORE_S3_CIRCUIT_BREAKER_H_
#define SMELT_STORE_S3_CIRCUIT_BREAKER_H_

#include <cstdint>
#include <mutex>
#include <optional>

#include "src/base/clock.h"

namespace smelt {

// Whether it is worth trying. Closed at first; `failures_max` failures in a row open it for `open_ms`, and so does one
// attempt that nobody has answered, unless another succeeded within kLatelySeconds; then one attempt is let through,
// and its end closes or opens it again. Thread-safe.
class CircuitBreaker {
 public:
  static constexpr std::int64_t kLatelySeconds = 5;

  // `clock` outlives this.
  CircuitBreaker(Clock& clock, int failures_max, int open_ms)
      : clock_(clock), failures_max_(failures_max), open_ns_(std::int64_t{open_ms} * 1'000'000) {}

  // True: go, and say Succeeded, Failed or Unanswered afterwards. False: fail at once.
  bool Allow();

  void Succeeded();
  void Failed();
  void Unanswered();

  bool IsOpen();

 private:
  void Count(int failures);
  bool Open() const { return failures_ >= failures_max_; }

  Clock& clock_;
  const int failures_max_;
  const std::int64_t open_ns_;
  std::mutex mu_;
  int failures_ = 0;                          // in a row; guarded by mu_
  std::int64_t opened_ns_ = 0;                // or let one through; guarded by mu_
  std::optional<std::int64_t> succeeded_ns_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_CIRCUIT_BREAKER_H_
