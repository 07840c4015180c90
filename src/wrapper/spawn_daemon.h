#ifndef SMELT_WRAPPER_SPAWN_DAEMON_H_
#define SMELT_WRAPPER_SPAWN_DAEMON_H_

#include <sys/types.h>

#include <string>

#include "src/base/unique_fd.h"
#include "src/wire/socket_path.h"

namespace smelt::wrapper {

// The log of a daemon that is longer is moved to <log>.old before the next daemon starts, in bytes.
inline constexpr off_t kLogBytesMax = 4 << 20;

struct SpawnedDaemon {
  pid_t pid = -1;   // not our child; -1 if it could not be started
  UniqueFd pid_fd;  // not valid on kernels without pidfd_open (before 5.3)

  // Waits until the process has ended, at most `ms`; true if so.
  bool EndsWithin(int ms) const;
};

// Executes smeltd, detached, as protocol.md says ("Starting the daemon"). The directories must exist. On failure
// `error` says why.
SpawnedDaemon SpawnDaemon(const wire::DaemonPaths& paths, std::string* error);

// The smeltd that would be executed: $SMELT_DAEMON, else the one beside our own executable.
std::string DaemonExecutable();

// Of this process; symbolic links followed.
std::string OwnExecutable();

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_SPAWN_DAEMON_H_
