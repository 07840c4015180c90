#include "src/store/s3/circuit_breaker.h"

#include <algorithm>

namespace smelt {

bool CircuitBreaker::Allow() {
  const std::lock_guard lock(mu_);
  if (!Open()) return true;
  if (clock_.NanosSince(opened_ns_) < open_ns_) return false;
  opened_ns_ = clock_.NowNanos();  // the others wait for how this one ends
  return true;
}

void CircuitBreaker::Succeeded() {
  const std::lock_guard lock(mu_);
  failures_ = 0;
  succeeded_ns_ = clock_.NowNanos();
}

void CircuitBreaker::Count(int failures) {
  failures_ = std::min(failures_ + failures, failures_max_);
  if (Open()) opened_ns_ = clock_.NowNanos();
}

void CircuitBreaker::Failed() {
  const std::lock_guard lock(mu_);
  Count(1);
}

void CircuitBreaker::Unanswered() {
  const std::lock_guard lock(mu_);
  const bool lately = succeeded_ns_ && clock_.NanosSince(*succeeded_ns_) < kLatelySeconds * 1'000'000'000;
  Count(lately ? 1 : failures_max_);
}

bool CircuitBreaker::IsOpen() {
  const std::lock_guard lock(mu_);
  return Open();
}

}  // namespace smelt
