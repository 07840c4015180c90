#ifndef SMELT_WRAPPER_CONNECT_H_
#define SMELT_WRAPPER_CONNECT_H_

#include <string>

#include "src/base/unique_fd.h"
#include "src/wire/socket_path.h"

namespace smelt::wrapper {

// A connection to the daemon, or why there is none.
struct Connection {
  UniqueFd socket;  // non-blocking, closed on exec, out of cargo's way (own_fd.h)
  std::string error;
  bool nobody_listens = false;
};

enum class StartDaemon {
  kNever,
  kUnlessItJustFailed,  // for compiles: not within kRetryAfterSeconds of a failed start
  kAlways,              // for commands: somebody waits for an answer
};

// How long after a failed start compiles go plain without trying again.
inline constexpr int kRetryAfterSeconds = 30;

// How long a started daemon may take until it accepts connections.
inline constexpr int kStartMsMax = 5000;

// Connects to a daemon that is there. Waits `wait_ms_max` at most if it has no room for another connection.
Connection Connect(const wire::DaemonPaths& paths, int wait_ms_max);

// The same, and starts one as protocol.md says ("Starting the daemon") if there is none. Many processes may do so at
// once: one starts the daemon, the others wait for it. $SMELT_NO_START makes every `start` kNever.
Connection ConnectOrStart(const wire::DaemonPaths& paths, StartDaemon start, int wait_ms_max);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_CONNECT_H_
