#ifndef SMELT_AUTH_KEY_CACHE_H_
#define SMELT_AUTH_KEY_CACHE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "src/auth/jwks.h"
#include "src/base/clock.h"

namespace smelt {

// Reads the text of a key set. Blocks; may be called by any thread, but by one at a time.
using ReadKeys = std::function<absl::StatusOr<std::string>()>;

// The keys of one issuer, kept. They are read when they are first needed, again after an hour, and when a token names
// a key that is not among them (an issuer has changed its keys): but never twice within a minute, whatever comes.
// While reading fails, those read before count, for a day. Thread-safe; blocks only while keys are read, and then only
// callers that cannot go on without.
class KeyCache {
 public:
  static constexpr std::int64_t kRefreshSeconds = 3600;
  static constexpr std::int64_t kAttemptSeconds = 60;
  static constexpr std::int64_t kStaleSeconds = 86400;

  KeyCache(ReadKeys read, Clock& clock) : read_(std::move(read)), clock_(clock) {}

  // UNAUTHENTICATED if the issuer has no such key; UNAVAILABLE, with the reason, if its keys cannot be read.
  absl::StatusOr<PublicKey> Find(std::string_view id, SignatureAlgorithm algorithm);

 private:
  std::int64_t NowSeconds() { return clock_.NowNanos() / 1'000'000'000; }
  std::int64_t SecondsSince(std::int64_t then) { return clock_.NanosSince(then * 1'000'000'000) / 1'000'000'000; }
  bool ShouldRead(bool known);  // needs mu_
  void Read();                  // needs reading_

  const ReadKeys read_;
  Clock& clock_;
  std::mutex reading_;  // before mu_
  std::mutex mu_;
  std::shared_ptr<const Jwks> keys_;                // guarded by mu_
  std::int64_t read_at_ = 0;                        // guarded by mu_
  std::optional<std::int64_t> tried_at_;            // guarded by mu_
  absl::Status last_ = absl::UnavailableError("");  // guarded by mu_
};

// Keys in a file; over http(s) with libcurl: https only, but for loopback, within 10 s, at most 1 MiB, no redirects.
ReadKeys KeysInFile(const std::string& path);
ReadKeys KeysAtUrl(const std::string& url);

}  // namespace smelt

#endif  // SMELT_AUTH_KEY_CACHE_H_
