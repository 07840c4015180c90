#ifndef SMELT_WRAPPER_COMMANDS_H_
#define SMELT_WRAPPER_COMMANDS_H_

#include <string>
#include <vector>

namespace smelt::wrapper {

// Statuses to exit with, besides 0.
inline constexpr int kFailed = 1;
inline constexpr int kWrongUsage = 2;

// How long `smelt stop` waits for the daemon to finish, in milliseconds.
inline constexpr int kStopMsMax = 60'000;

// The command line: `arguments` without our name. Returns the status to exit with, which is never 0 after an error.
// Does not return for `cargo`.
int RunCommandLine(const std::vector<std::string>& arguments);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_COMMANDS_H_
