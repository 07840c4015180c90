#ifndef SMELT_DAEMON_LISTENER_H_
#define SMELT_DAEMON_LISTENER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <string>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "src/base/unique_fd.h"

namespace smelt {

// Accepts connections on the daemon's Unix socket and serves each on a thread of its own: one that has served another
// not long ago, or a new one. Who connects says something at once: of connections that have never said anything, the
// oldest is closed where there is no room for another one, and each after kSilenceMsMax.
//
// Run ends when Stop is called, when SIGTERM or SIGINT arrives, or when nothing has been asked for `idle_seconds`; it
// then takes the socket away, so that new wrappers start another daemon, and waits for the connections that are left,
// at most `drain_seconds`, or not at all after StopAtOnce.
class Listener {
 public:
  // More connections than this wait in the kernel, if all of these have said something.
  static constexpr int kConnectionsMax = 512;
  static constexpr int kSilenceMsMax = 30'000;
  // After so long without a connection a thread ends.
  static constexpr int kThreadIdleSeconds = 5;

  struct Options {
    std::string socket_path;
    std::int64_t idle_seconds = 3 * 3600;
    int drain_seconds = 10;
  };
  // `serve` is called for each connection that has something to be read, on a thread that serves no other meanwhile;
  // `tick` about once a second on the thread of Run.
  Listener(Options options, std::function<void(UniqueFd)> serve, std::function<void()> tick);

  // Binds the socket (mode 0600), replacing a dead one. The caller holds the daemon's instance lock.
  absl::Status Bind();

  // False if connections were left: their threads still use what was given to this object, so that nothing may be taken
  // down but the whole process.
  bool Run();

  // Thread-safe, async-signal-safe.
  void Stop();
  void StopAtOnce();

 private:
  bool HasSocket() const;
  void Accept();
  bool IsIdleTooLong();
  bool AwaitConnections(int seconds_max);
  void Wake(char how);
  void StartThread();
  void ServeConnections();
  UniqueFd NextConnection();  // not valid: the thread is to end
  void EndConnection();
  bool AwaitFirstByte(int connection);  // false: it is to be closed
  void CloseOldestSilent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool RemoveSilent(int connection) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  const std::function<void(UniqueFd)> serve_;
  const std::function<void()> tick_;
  UniqueFd socket_;
  std::uint64_t socket_inode_ = 0;
  UniqueFd wake_reading_, wake_writing_;

  absl::Mutex mu_;
  int connections_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<UniqueFd> waiting_ ABSL_GUARDED_BY(mu_);  // for a thread; among connections_
  std::list<int> silent_ ABSL_GUARDED_BY(mu_);         // the oldest first; all of them are open
  std::size_t idle_threads_ ABSL_GUARDED_BY(mu_) = 0;
  int threads_ ABSL_GUARDED_BY(mu_) = 0;
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  std::int64_t last_use_seconds_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_LISTENER_H_
