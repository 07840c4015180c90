#ifndef SMELT_COMPILERS_RUSTC_COMMAND_LINE_H_
#define SMELT_COMPILERS_RUSTC_COMMAND_LINE_H_

#include <string>
#include <variant>
#include <vector>

#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/refusal.h"

namespace smelt::rustc {

// The arguments taken apart by the rules of rustc's option parser: long and short flags, values joined or apart,
// clusters of short flags ("-gO"), -C and -Z looked up under their own names. Argument::use is the table's. A flag that
// is unknown or has a refusal in the table gives that refusal; of several, the first on the line, but a question
// (kNotACompile) anywhere wins. "--" is refused: nothing may stand behind it for arguments to be added at the end.
std::variant<std::vector<Argument>, Refusal> ReadCommandLine(const std::vector<std::string>& arguments);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_COMMAND_LINE_H_
