#include "src/store/remote/link_breaker.h"

#include <algorithm>

#include "fmt/format.h"

namespace smelt {

absl::Status LinkBreaker::Check() {
  const std::int64_t now = clock_.NowNanos();
  absl::MutexLock lock(&mu_);
  if (now >= open_until_ns_) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("not asked for another {} s: {}", (open_until_ns_ - now) / 1'000'000'000 + 1, problem_));
}

void LinkBreaker::Succeeded() {
  absl::MutexLock lock(&mu_);
  open_until_ns_ = 0;
  next_ns_ = kFirstNanos;
  problem_.clear();
}

void LinkBreaker::Failed(const absl::Status& status) {
  const std::int64_t now = clock_.NowNanos();
  absl::MutexLock lock(&mu_);
  problem_ = std::string(status.message());
  if (now < open_until_ns_) return;
  open_until_ns_ = now + next_ns_;
  next_ns_ = std::min(2 * next_ns_, kLongestNanos);
}

std::string LinkBreaker::Problem() {
  absl::MutexLock lock(&mu_);
  return problem_;
}

}  // namespace smelt
