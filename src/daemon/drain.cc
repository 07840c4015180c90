#include "src/daemon/drain.h"

namespace smelt {

Drain::Work::~Work() {
  if (drain_ == nullptr) return;
  absl::MutexLock lock(&drain_->mu_);
  --drain_->works_;
}

Drain::Work Drain::Begin() {
  absl::MutexLock lock(&mu_);
  if (closed_) return Work(nullptr);
  ++works_;
  return Work(this);
}

bool Drain::Close() {
  absl::MutexLock lock(&mu_);
  return !std::exchange(closed_, true);
}

int Drain::Await(absl::Duration time) {
  absl::MutexLock lock(&mu_);
  auto is_done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return works_ == 0; };
  mu_.AwaitWithTimeout(absl::Condition(&is_done), time);
  return works_;
}

}  // namespace smelt
