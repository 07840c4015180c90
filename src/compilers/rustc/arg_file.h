#ifndef SMELT_COMPILERS_RUSTC_ARG_FILE_H_
#define SMELT_COMPILERS_RUSTC_ARG_FILE_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/refusal.h"

namespace smelt::rustc {

struct ExpandedArguments {
  std::vector<std::string> arguments;
  bool had_arg_file = false;
};

// Replaces each argument @FILE by the lines of FILE, as rustc does: one argument a line, ended by "\n" or "\r\n", not
// trimmed; a blank line is an empty argument; what a file holds is not expanded again. kUnreadableArgFile if a file
// cannot be read or is not UTF-8.
std::variant<ExpandedArguments, Refusal> ExpandArgFiles(const std::vector<std::string>& arguments,
                                                        const ReadFile& read_file);

// The lines of `text`, as above. A "\r" at the end of text that no "\n" follows stays.
std::vector<std::string> LinesOf(std::string_view text);

bool IsUtf8(std::string_view text);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_ARG_FILE_H_
