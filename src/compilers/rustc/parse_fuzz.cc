// Whatever the command line: Parse ends, arguments lie within the line, and what was accepted has outputs and a key
// that is accepted again and gives the same outputs.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "src/compilers/rustc/arg_file.h"
#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/key_arguments.h"
#include "src/compilers/rustc/path_map.h"

namespace smelt::rustc {
namespace {

std::variant<Invocation, Refusal> Parsed(const std::vector<std::string>& command) {
  return Parse(
      command, "/w", [](std::string_view) { return nullptr; }, [](const std::string& path) { return path; });
}

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckArguments(const Invocation& invocation) {
  std::size_t externs = 0;
  for (const Argument& argument : invocation.arguments) {
    Check(argument.first >= 0 && argument.count >= 1);
    Check(static_cast<std::size_t>(argument.first + argument.count) <= invocation.raw.size());
    if (argument.use == KeyUse::kExtern) ++externs;
  }
  Check(externs == invocation.externs.size());
}

void CheckKey(const Invocation& invocation) {
  const PathMap paths =
      RootsOf({.working_directory = "/w", .source = invocation.source, .out_dir = invocation.out_dir});
  std::vector<std::string> command = {"rustc"};
  for (std::string& argument : KeyArguments(invocation, paths, "/w")) {
    if (argument.starts_with('@')) return;  // would be read as an argument file
    command.push_back(std::move(argument));
  }
  const auto again = Parsed(command);
  Check(std::holds_alternative<Invocation>(again));
  const std::vector<Output> outputs = OutputsOf(invocation);
  const std::vector<Output> outputs_again = OutputsOf(std::get<Invocation>(again));
  Check(!outputs.empty() && outputs.size() == outputs_again.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    Check(paths.Canonical(outputs[i].path, "/w") == paths.Canonical(paths.Real(outputs_again[i].path), "/w"));
  }
}

void CheckCommand(const std::vector<std::string>& command) {
  const auto parsed = Parsed(command);
  const Invocation* invocation = std::get_if<Invocation>(&parsed);
  if (invocation == nullptr) return;
  CheckArguments(*invocation);
  CheckKey(*invocation);
  LocalArguments(*invocation, PathMap(), {});
}

}  // namespace
}  // namespace smelt::rustc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smelt::rustc;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> command = LinesOf(text);
  command.insert(command.begin(), "rustc");
  CheckCommand(command);
  return 0;
}
