#ifndef SMELT_DAEMON_SESSION_H_
#define SMELT_DAEMON_SESSION_H_

#include <functional>

#include "src/base/unique_fd.h"
#include "src/daemon/commands.h"
#include "src/daemon/compile.h"
#include "src/daemon/heartbeat.h"

namespace smelt {

// One connection: reads the first message and has it served; a wrapper hears from `heartbeat` meanwhile.
// `other_version` is called when a wrapper of another build asks: the daemon then ends as soon as it has nothing to do,
// so that the next wrapper starts its own.
void ServeConnection(UniqueFd socket, CompileHandler& compiles, CommandHandler& commands, Drain& drain,
                     Heartbeat& heartbeat, const std::function<void()>& other_version);

}  // namespace smelt

#endif  // SMELT_DAEMON_SESSION_H_
