#ifndef SMELT_WRAPPER_RUN_COMPILER_H_
#define SMELT_WRAPPER_RUN_COMPILER_H_

#include <cstddef>
#include <string>
#include <vector>

#include "src/wire/message.h"
#include "src/wrapper/relay.h"

namespace smelt::wrapper {

// Becomes `command`, which is not empty: found in PATH if its name has no slash. If that is not possible, says so on
// stderr and ends with the status of a shell: 127 if there is no such command, else 126.
[[noreturn]] void ExecPlain(const std::vector<std::string>& command);

// How a watched compiler ended.
struct Watched {
  wire::Ran ran;                             // for the daemon
  int status = wire::kWaitStatusNotStarted;  // as of waitpid, also where `ran` says that it was not captured
};

// Runs `run` and waits for its end. Its stdin and all other descriptors (cargo's jobserver) are ours, untouched; what
// it writes is passed on as protocol.md says ("A compile") and returned. It is sent SIGTERM should we die, and SIGINT,
// SIGTERM and SIGHUP when we are sent them.
//
// To be called from the only thread of the process.
Watched RunWatched(const wire::Run& run, std::size_t captured_bytes_max = kCapturedBytesMax);

// Ends this process as `wait_status` says another has ended: by the same signal (without a second core dump) or with
// the same code.
[[noreturn]] void EndAs(int wait_status);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_RUN_COMPILER_H_
