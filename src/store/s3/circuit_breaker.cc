#include "src/store/s3/circuit_breaker.h"

#include <algorithm>

namespace smelt {

bool CircuitBreaker::Allow() {
  const std::lock_guard lock(mu_);
  if (!Open()) return true;
  const std::int64_t now = clock_.NowNanos();
  if (now < next_try_ns_) return false;
  next_try_ns_ = now + open_ns_;  // the others wait for how this one ends
  return true;
}

void CircuitBreaker::Succeeded() {
  const std::lock_guard lock(mu_);
  failures_ = 0;
  succeeded_ns_ = clock_.NowNanos();
}

void CircuitBreaker::Count(int failures) {
  failures_ = std::min(failures_ + failures, failures_max_);
  if (Open()) next_try_ns_ = clock_.NowNanos() + open_ns_;
}

void CircuitBreaker::Failed() {
  const std::lock_guard lock(mu_);
  Count(1);
}

void CircuitBreaker::Unanswered() {
  const std::lock_guard lock(mu_);
  const bool lately = succeeded_ns_ && clock_.NowNanos() - *succeeded_ns_ < kLatelySeconds * 1'000'000'000;
  Count(lately ? 1 : failures_max_);
}

bool CircuitBreaker::IsOpen() {
  const std::lock_guard lock(mu_);
  return Open();
}

}  // namespace smelt
