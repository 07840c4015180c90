#ifndef SMELT_COMPILERS_RUSTC_PATHS_H_
#define SMELT_COMPILERS_RUSTC_PATHS_H_

#include <string>
#include <string_view>
#include <vector>

namespace smelt::rustc {

// Paths as text; no file system is asked.

// Absolute, without ".", "..", doubled or trailing slashes. A relative path is joined to `working_directory`.
std::string Normalised(std::string_view path, std::string_view working_directory);

// True if `path` is `directory` or below it. Both normalised; false for an empty directory.
bool IsUnder(std::string_view path, std::string_view directory);

// The components of a normalised path: "/a/b" -> {"a", "b"}.
std::vector<std::string_view> Components(std::string_view path);

// `path` without its last `count` components.
std::string Ancestor(std::string_view path, int count);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_PATHS_H_
