#include "src/store/s3/circuit_breaker.h"

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
}

void CircuitBreaker::Failed() {
  const std::lock_guard lock(mu_);
  if (failures_ < failures_max_) ++failures_;
  if (Open()) next_try_ns_ = clock_.NowNanos() + open_ns_;
}

bool CircuitBreaker::IsOpen() {
  const std::lock_guard lock(mu_);
  return Open();
}

}  // namespace smelt
