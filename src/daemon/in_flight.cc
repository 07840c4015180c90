#include "src/daemon/in_flight.h"

#include "absl/time/time.h"

namespace smelt {

InFlight::Turn InFlight::TryTake(const std::string& key) {
  absl::MutexLock lock(&mu_);
  return taken_.insert(key).second ? Turn(*this, key) : Turn();
}

InFlight::Turn InFlight::Take(const std::string& key, const std::function<bool()>& waiting) {
  for (;;) {
    {
      absl::MutexLock lock(&mu_);
      auto is_free = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !taken_.contains(key); };
      if (mu_.AwaitWithTimeout(absl::Condition(&is_free), absl::Seconds(1))) {
        taken_.insert(key);
        return Turn(*this, key);
      }
    }
    if (!waiting()) return Turn();
  }
}

void InFlight::Release(const std::string& key) {
  absl::MutexLock lock(&mu_);
  taken_.erase(key);
}

}  // namespace smelt
