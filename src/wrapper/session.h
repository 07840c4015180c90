#ifndef SMELT_WRAPPER_SESSION_H_
#define SMELT_WRAPPER_SESSION_H_

#include <string>
#include <vector>

#include "src/base/unique_fd.h"

namespace smelt::wrapper {

// How long the daemon may be silent before it is taken for dead, in milliseconds: $SMELT_SILENCE_MS, else this.
inline constexpr int kSilenceMsMax = 10'000;
int SilenceMsMax();

// One compile: `command`, which is not empty, is what cargo wants run ("rustc args..."). Returns the status to exit
// with, or does not return: whatever goes wrong with the daemon, the compiler runs in our place as if we were not
// there. $SMELT_DISABLE=1 makes it so at once. Writes nothing of its own to stdout or stderr.
int Wrap(const std::vector<std::string>& command);

// One command of the command line, sent to the daemon that `socket` leads to.
struct CommandResult {
  enum { kDone, kOtherVersion, kLost } outcome;
  int status;            // kDone: to exit with
  std::string build_id;  // kOtherVersion: of the daemon
};
CommandResult RunCommand(UniqueFd socket, const std::vector<std::string>& arguments);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_SESSION_H_
