#ifndef SMELT_WRAPPER_WRAPPER_CALL_H_
#define SMELT_WRAPPER_WRAPPER_CALL_H_

#include <string>
#include <vector>

namespace smelt::wrapper {

// Whether these arguments of ours (without our name) are a compile, as cargo calls its RUSTC_WRAPPER, and not a command
// of the command line: the first is named rustc..., or clippy-driver, or is a path of an executable file.
bool IsWrapperCall(const std::vector<std::string>& arguments);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_WRAPPER_CALL_H_
