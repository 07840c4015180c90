#include "src/base/program_path.h"

#include <unistd.h>

#include <algorithm>

#include "fmt/format.h"

namespace smelt {

std::vector<std::string_view> ProgramDirectories(std::string_view path) {
  std::vector<std::string_view> directories;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t colon = std::min(path.find(':', at), path.size());
    directories.push_back(path.substr(at, colon - at));
    at = colon + 1;
  }
  return directories;
}

absl::StatusOr<std::string> FindProgram(std::string_view path, std::string_view name) {
  for (const std::string_view directory : ProgramDirectories(path)) {
    if (!directory.starts_with('/')) return absl::FailedPreconditionError("PATH has a relative directory");
    std::string candidate = fmt::format("{}/{}", directory, name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return absl::NotFoundError(fmt::format("there is no {} in PATH", name));
}

}  // namespace smelt
