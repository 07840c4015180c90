#ifndef SMELT_BASE_PATH_NAMES_H_
#define SMELT_BASE_PATH_NAMES_H_

#include <string_view>

namespace smelt {

// The two parts of a path, as text: no file system is asked, and nothing is normalised. Both are views into `path`.

// What follows the last '/'; all of it if there is none; empty for "a/".
constexpr std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// What precedes the last '/'; all of it if there is none; empty for "/a".
constexpr std::string_view DirectoryName(std::string_view path) { return path.substr(0, path.rfind('/')); }

}  // namespace smelt

#endif  // SMELT_BASE_PATH_NAMES_H_
