#include "src/wrapper/wrapper_call.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

namespace smelt::wrapper {

bool IsWrapperCall(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return false;
  const std::string& program = arguments[0];
  std::string_view name = std::string_view(program).substr(program.rfind('/') + 1);
  if (name.substr(0, 5) == "rustc" || name == "clippy-driver") return true;
  struct stat info;
  return name.size() < program.size() && stat(program.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         access(program.c_str(), X_OK) == 0;
}

}  // namespace smelt::wrapper
