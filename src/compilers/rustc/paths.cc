#include "src/compilers/rustc/paths.h"

#include <cstddef>

namespace smelt::rustc {

std::vector<std::string_view> Components(std::string_view path) {
  std::vector<std::string_view> components;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    if (slash != 0) components.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return components;
}

std::string Normalised(std::string_view path, std::string_view working_directory) {
  std::vector<std::string_view> kept;
  const auto append = [&kept](std::string_view part) {
    for (const std::string_view component : Components(part)) {
      if (component == ".") continue;
      if (component != "..") {
        kept.push_back(component);
      } else if (!kept.empty()) {
        kept.pop_back();
      }
    }
  };
  if (!path.starts_with('/')) append(working_directory);
  append(path);
  std::string result;
  for (const std::string_view component : kept) result.append("/").append(component);
  return result.empty() ? "/" : result;
}

bool IsUnder(std::string_view path, std::string_view directory) {
  if (directory.empty() || !path.starts_with(directory)) return false;
  return path.size() == directory.size() || directory == "/" || path[directory.size()] == '/';
}

std::string Ancestor(std::string_view path, int count) {
  for (; count > 0; --count) path = path.substr(0, path.rfind('/'));
  return std::string(path);
}

}  // namespace smelt::rustc
