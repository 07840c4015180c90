#ifndef SMELT_SERVICES_STREAM_WATCH_H_
#define SMELT_SERVICES_STREAM_WATCH_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_set>

#include "src/services/bytes_budget.h"

namespace grpc {
class ServerContextBase;
}  // namespace grpc

namespace smelt {

// Ends streams on which nothing moves: after `idle_seconds`, or after a few seconds when others wait for the memory
// that such a stream may hold. Thread-safe; outlives every Stream.
class StreamWatch {
 public:
  // One stream, watched as long as this lives, which is no longer than its context.
  class Stream {
   public:
    Stream(StreamWatch& watch, grpc::ServerContextBase& context);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Something moved; from now on its client is waited for.
    void Moved() { since_.store(watch_.now_.load(std::memory_order_relaxed), std::memory_order_relaxed); }

    // The last `bytes` went to gRPC, which does not say how they fare: its client has a second more for each MiB.
    void Sends(std::int64_t bytes) {
      since_.store(watch_.now_.load(std::memory_order_relaxed) + (bytes >> 20), std::memory_order_relaxed);
    }

    // It waits for us, not for its client.
    void Busy() { since_.store(kBusy, std::memory_order_relaxed); }

   private:
    friend class StreamWatch;
    static constexpr std::int64_t kBusy = INT64_MAX;

    StreamWatch& watch_;
    grpc::ServerContextBase& context_;
    std::atomic<std::int64_t> since_;
  };

  StreamWatch(std::int64_t idle_seconds, BytesBudget& budget) : idle_seconds_(idle_seconds), budget_(budget) {}

  // Looks once, `seconds` after the last time. To be called each second or so.
  void Tick(std::int64_t seconds);

  std::size_t streams();

 private:
  const std::int64_t idle_seconds_;
  BytesBudget& budget_;
  std::atomic<std::int64_t> now_{0};     // seconds
  std::recursive_mutex mu_;              // recursive: ending a stream may destroy it at once
  std::unordered_set<Stream*> streams_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_SERVICES_STREAM_WATCH_H_
