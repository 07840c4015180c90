#ifndef SMELT_WRAPPER_COMPLETION_H_
#define SMELT_WRAPPER_COMPLETION_H_

#include <string>
#include <string_view>

namespace smelt::wrapper {

// The script that completes all commands, flags and choices of command_table.h; empty for a shell other than bash, zsh
// and fish. After `smelt cargo` cargo's own completion takes over, where it is installed.
std::string CompletionScript(std::string_view shell);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_COMPLETION_H_
