#ifndef SMELT_COMPILERS_RUSTC_DEP_INFO_H_
#define SMELT_COMPILERS_RUSTC_DEP_INFO_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace smelt::rustc {

// What a .d file of rustc says. Paths as written there (relative ones to the working directory), unescaped.
struct DepInfo {
  std::vector<std::string> sources;  // prerequisites of the first rule, in order, unique
  std::vector<std::pair<std::string, std::optional<std::string>>> environment;  // "# env-dep:"; nullopt: was unset
};

// INVALID_ARGUMENT with the line number for text that is not of rustc's form. An empty .d is valid.
absl::StatusOr<DepInfo> ParseDepInfo(std::string_view text);

// The prerequisites named in a file written by the linker's --dependency-file (a make rule, with its escapes),
// unique, in order.
absl::StatusOr<std::vector<std::string>> ParseLinkerDependencyFile(std::string_view text);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_DEP_INFO_H_
