#include "src/daemon/heartbeat.h"

#include <utility>

#include "absl/time/time.h"

namespace smelt {

Heartbeat::Heartbeat(std::int64_t interval_ms) : interval_ms_(interval_ms) {
  thread_ = std::thread([this] { Run(); });
}

Heartbeat::~Heartbeat() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

Heartbeat::Beating::Beating(Heartbeat& heartbeat, Beat beat) : heartbeat_(heartbeat) {
  absl::MutexLock lock(&heartbeat_.mu_);
  beat_ = heartbeat_.beats_.insert(heartbeat_.beats_.end(), std::move(beat));
}

Heartbeat::Beating::~Beating() {
  absl::MutexLock lock(&heartbeat_.mu_);
  heartbeat_.beats_.erase(beat_);
}

void Heartbeat::Run() {
  absl::MutexLock lock(&mu_);
  const auto somebody_works = [this] { return stopping_ || !beats_.empty(); };
  while (!stopping_) {
    mu_.Await(absl::Condition(&somebody_works));
    mu_.AwaitWithTimeout(absl::Condition(&stopping_), absl::Milliseconds(interval_ms_));
    for (const Beat& beat : beats_) beat();
  }
}

}  // namespace smelt
