#ifndef SMELT_DAEMON_HEARTBEAT_H_
#define SMELT_DAEMON_HEARTBEAT_H_

#include <cstdint>
#include <functional>
#include <list>
#include <thread>

#include "absl/synchronization/mutex.h"

namespace smelt {

// Calls something about once a second for as long as somebody works: a wrapper that hears nothing for ten seconds
// compiles without us. Thread-safe.
class Heartbeat {
 public:
  using Beat = std::function<void()>;

  explicit Heartbeat(std::int64_t interval_ms = 1000);
  ~Heartbeat();

  // Beats until it goes; not during its destructor, nor after it.
  class Beating {
   public:
    Beating(Heartbeat& heartbeat, Beat beat);
    Beating(const Beating&) = delete;
    ~Beating();

   private:
    Heartbeat& heartbeat_;
    std::list<Beat>::iterator beat_;
  };

 private:
  void Run();

  const std::int64_t interval_ms_;
  absl::Mutex mu_;  // held during beats, which must not wait for anybody
  std::list<Beat> beats_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_HEARTBEAT_H_
