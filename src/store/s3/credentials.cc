#include "src/store/s3/credentials.h"

#include <limits>

namespace smelt {

absl::StatusOr<AwsCredentials> RefreshingCredentials::Get() {
  const std::lock_guard lock(mu_);
  const std::int64_t now = clock_.NowNanos() / 1'000'000'000;
  if (held_ && now < fetch_after_seconds_) return *held_;
  if (!held_ && !failed_.ok() && now < fetch_after_seconds_) return failed_;
  absl::StatusOr<AwsCredentials> fetched = fetch_();
  if (fetched.ok()) {
    held_ = *fetched;
    failed_ = absl::OkStatus();
    fetch_after_seconds_ = fetched->expires_seconds == 0 ? std::numeric_limits<std::int64_t>::max()
                                                         : fetched->expires_seconds - kEarlySeconds;
    return fetched;
  }
  if (held_ && now >= held_->expires_seconds) held_.reset();
  failed_ = fetched.status();
  fetch_after_seconds_ = now + (held_ ? kPauseSeconds : kFailedSeconds);
  if (held_) return *held_;
  return failed_;
}

void RefreshingCredentials::Forget() {
  const std::lock_guard lock(mu_);
  held_.reset();
  failed_ = absl::OkStatus();
}

}  // namespace smelt
