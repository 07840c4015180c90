#include "src/compilers/rustc/rustc_on_path.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>

namespace smelt::rustc {
namespace {

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

}  // namespace

RustcRun RunRustc(const std::vector<std::string>& arguments, const std::string& directory) {
  std::string command = "cd " + Quoted(directory) + " && exec rustc";
  for (const std::string& argument : arguments) command += " " + Quoted(argument);
  std::FILE* pipe = ::popen((command + " 2>&1 </dev/null").c_str(), "r");
  if (pipe == nullptr) return {};
  RustcRun run;
  std::array<char, 4096> buffer;
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    run.output.append(buffer.data(), size);
  }
  const int status = ::pclose(pipe);
  run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return run;
}

bool HasRustc() { return RunRustc({"-vV"}, "/").status == 0; }

}  // namespace smelt::rustc
