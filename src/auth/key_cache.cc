#include "src/auth/key_cache.h"

#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace smelt {

absl::StatusOr<PublicKey> KeyCache::Find(std::string_view id, SignatureAlgorithm algorithm) {
  for (bool may_read = true;; may_read = false) {
    {
      std::lock_guard lock(mu_);
      if (keys_ && NowSeconds() - read_at_ > kStaleSeconds) keys_ = nullptr;
      const PublicKey* key = keys_ ? keys_->Find(id, algorithm) : nullptr;
      if (!may_read || !ShouldRead(key != nullptr)) {
        if (key) return *key;
        if (keys_) return absl::UnauthenticatedError("the token is not accepted: its issuer has no such key");
        return last_;
      }
      if (key && !reading_.try_lock()) return *key;
      if (key) reading_.unlock();
    }
    std::lock_guard reading(reading_);
    Read();
  }
}

bool KeyCache::ShouldRead(bool known) {
  if (tried_at_ && SecondsSince(*tried_at_) < kAttemptSeconds) return false;
  return !known || SecondsSince(read_at_) >= kRefreshSeconds;
}

void KeyCache::Read() {
  {
    std::lock_guard lock(mu_);
    if (tried_at_ && SecondsSince(*tried_at_) < kAttemptSeconds) return;  // another thread just has
    tried_at_ = NowSeconds();
  }
  absl::StatusOr<std::string> text = read_();
  absl::StatusOr<Jwks> keys = text.ok() ? Jwks::Parse(*text) : absl::StatusOr<Jwks>(text.status());
  std::lock_guard lock(mu_);
  if (keys.ok()) {
    keys_ = std::make_shared<const Jwks>(*std::move(keys));
    read_at_ = NowSeconds();
  } else {
    last_ = absl::UnavailableError(
        fmt::format("the keys of the token's issuer cannot be read: {}", std::string(keys.status().message())));
  }
}

}  // namespace smelt
