#include "src/daemon/team/turns.h"

namespace smelt {

Turns::Place Turns::Begin(const Digest& what, bool at_once) {
  absl::MutexLock lock(&mu_);
  const auto [placed, is_new] = places_.try_emplace(what);
  if (is_new) placed->second.place = next_++;
  if (at_once) at_once_.insert(placed->second.place);
  ++placed->second.users;
  return placed->second.place;
}

void Turns::End(const Digest& what) {
  absl::MutexLock lock(&mu_);
  const auto placed = places_.find(what);
  if (--placed->second.users > 0) return;
  at_once_.erase(placed->second.place);
  places_.erase(placed);
}

bool Turns::MayEnter(Place place) const {
  return at_once_.contains(place) || (bytes_ < bytes_max_ && place == *waiting_.begin());
}

Turns::Turn Turns::Enter(Place place, std::int64_t bytes) {
  absl::MutexLock lock(&mu_);
  const auto waiting = waiting_.insert(place);
  auto may_enter = [&] { return MayEnter(place); };
  mu_.Await(absl::Condition(&may_enter));
  waiting_.erase(waiting);
  bytes_ += bytes;
  return Turn(this, bytes);
}

void Turns::Leave(std::int64_t bytes) {
  absl::MutexLock lock(&mu_);
  bytes_ -= bytes;
}

}  // namespace smelt
