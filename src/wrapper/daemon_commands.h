#ifndef SMELT_WRAPPER_DAEMON_COMMANDS_H_
#define SMELT_WRAPPER_DAEMON_COMMANDS_H_

#include <string>
#include <vector>

// The commands that the daemon carries out, or that are about it. Each returns the status to exit with and, if that is
// not 0, has said why on stderr.
namespace smelt::wrapper {

// How much of the log's end is shown where the daemon cannot be started.
inline constexpr std::size_t kLogTailBytesMax = 4096;
inline constexpr int kLogTailLinesMax = 20;

// How long to wait for a daemon of another version to end, in milliseconds.
inline constexpr int kOtherVersionMsMax = 10'000;

// Sends `arguments`, the command's name first, to the daemon, which is started if there is none, and passes its answer
// on. `status` and `doctor` show the end of the daemon's log if it cannot be started.
int AskDaemon(const std::vector<std::string>& arguments);

int StartDaemonAndSay();

// Asks the daemon to end, and waits until it has. 0 if there was none.
int StopDaemon();

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_DAEMON_COMMANDS_H_
