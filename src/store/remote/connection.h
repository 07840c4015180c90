#ifndef SMELT_STORE_REMOTE_CONNECTION_H_
#define SMELT_STORE_REMOTE_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "src/base/clock.h"
#include "src/base/remote_endpoint.h"
#include "src/store/remote/bearer_token.h"
#include "src/store/remote/link_breaker.h"
#include "src/store/remote/remote_options.h"
#include "src/store/shared_cache.h"

namespace grpc {
class Channel;
class ChannelCredentials;
class ClientContext;
class Status;
}  // namespace grpc

namespace smelt {

// What the server said it can do, in our terms.
struct ServerAbilities {
  std::atomic<std::int64_t> batch_bytes_max = 0;  // of blobs in one request
  std::atomic<bool> zstd_streams = false, zstd_batches = false;
  std::atomic<bool> zstd_wishes = false;  // it knows reapi::ZstdWishes
  std::atomic<bool> action_updates = false;
};

// Channels to one server and the rules of every call: connect once and together, deadline by size, retries, breaker,
// credentials, counting. Thread-safe.
class Connection {
 public:
  static constexpr int kChannels = 4;  // one HTTP/2 connection gives less than a fast link can take
  static constexpr int kAttemptsMax = 3;
  static constexpr std::int64_t kConnectMillis = 3000;
  static constexpr std::int64_t kSlowestBytesPerSecond = 256 << 10;
  static constexpr std::int64_t kLocalLinkNanos = 2'000'000;  // a quicker link is not worth compressing for

  static absl::StatusOr<std::unique_ptr<Connection>> Make(const RemoteOptions& options, Clock& clock);

  // Connects and asks for the server's abilities, once; the others wait meanwhile. Fails at once while the breaker is
  // open.
  absl::Status Reach();

  // Of the last time that Reach asked.
  const ServerAbilities& abilities() const { return abilities_; }

  // True if bytes are to be compressed on the way.
  bool Compresses() const;

  // True if streams are to be zstd: on a quick link, too, with a server that keeps what it gets so, and need not
  // compress for who reads it.
  bool StreamsZstd() const;

  // True if such streams may have frames that the server has not unpacked either: it passes on what lies in its bucket.
  bool StreamsUnverified() const { return abilities_.zstd_wishes && StreamsZstd(); }

  // Calls `attempt` until it succeeds, or fails for good. `bytes` is what travels.
  using Attempt = std::function<grpc::Status(grpc::ClientContext&, const std::shared_ptr<grpc::Channel>&)>;
  absl::Status Call(const char* what, std::int64_t bytes, const Attempt& attempt);

  void CountUp(std::int64_t bytes) { bytes_up_ += bytes; }
  void CountDown(std::int64_t bytes) { bytes_down_ += bytes; }

  const RemoteOptions& options() const { return options_; }
  SharedCacheState State();

 private:
  Connection(RemoteOptions options, RemoteEndpoint endpoint, Clock& clock);

  void MakeChannels(const std::shared_ptr<grpc::ChannelCredentials>& credentials);
  absl::Status Connect();
  std::string WhyNot();
  absl::Status AskAbilities();
  absl::Status Try(const char* what, std::int64_t bytes, const Attempt& attempt);
  void NoteRoundTrip(std::int64_t nanos);

  const RemoteOptions options_;
  const RemoteEndpoint endpoint_;
  BearerToken token_;
  LinkBreaker breaker_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;  // constant once made

  absl::Mutex reach_mu_;
  std::atomic<bool> reached_ = false;  // until a failure that concerns all calls
  ServerAbilities abilities_;

  std::atomic<unsigned> next_channel_ = 0;
  std::atomic<std::int64_t> quickest_ns_ = INT64_MAX;  // of small calls: an upper bound of the round trip
  std::atomic<std::int64_t> bytes_up_ = 0, bytes_down_ = 0, requests_ = 0, failures_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_CONNECTION_H_
