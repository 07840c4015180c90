#include "src/daemon/cargo_call.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "src/base/path_names.h"

namespace smelt {
namespace {

struct Command {
  std::string_view name;
  std::string_view profile;
  bool generates_code;
};

constexpr std::array<Command, 12> kCommands = {{{"build", "debug", true},
                                                {"b", "debug", true},
                                                {"run", "debug", true},
                                                {"r", "debug", true},
                                                {"test", "debug", true},
                                                {"t", "debug", true},
                                                {"bench", "release", true},
                                                {"rustc", "debug", true},
                                                {"check", "debug", false},
                                                {"c", "debug", false},
                                                {"clippy", "debug", false},
                                                {"fix", "debug", false}}};

// Of those before the command, all that have a value.
constexpr std::array<std::string_view, 4> kGlobalOptions = {"--color", "--config", "-Z", "-C"};

// cargo's own profiles that share a directory.
std::string DirectoryOf(const std::string& profile) {
  if (profile == "dev" || profile == "test") return "debug";
  return profile == "bench" ? "release" : profile;
}

// The value of `option` at `arguments[at]`, as "--profile x" or "--profile=x".
std::optional<std::string> ValueAt(const std::vector<std::string>& arguments, std::size_t at, std::string_view option) {
  const std::string& argument = arguments[at];
  if (argument == option && at + 1 < arguments.size()) return arguments[at + 1];
  if (argument.starts_with(option) && argument[option.size()] == '=') return argument.substr(option.size() + 1);
  return std::nullopt;
}

std::string Below(const std::string& directory, const std::string& path) {
  return path.starts_with('/') ? path : directory + "/" + path;
}

}  // namespace

std::optional<ForeseenBuild> ForeseeBuild(const CargoCall& call) {
  const std::vector<std::string>& arguments = call.arguments;
  if (arguments.empty() || BaseName(arguments[0]) != "cargo" || !call.directory.starts_with('/')) return std::nullopt;
  ForeseenBuild build = {.directory = call.directory, .profile = {}};
  std::size_t at = 1;
  for (; at < arguments.size() && (arguments[at].starts_with('-') || arguments[at].starts_with('+')); ++at) {
    if (const auto there = ValueAt(arguments, at, "-C")) build.directory = Below(call.directory, *there);
    if (std::find(kGlobalOptions.begin(), kGlobalOptions.end(), arguments[at]) != kGlobalOptions.end()) ++at;
  }
  if (at >= arguments.size()) return std::nullopt;
  const auto command =
      std::find_if(kCommands.begin(), kCommands.end(), [&](auto& c) { return c.name == arguments[at]; });
  if (command == kCommands.end()) return std::nullopt;

  build.profile = command->profile;
  build.generates_code = command->generates_code;
  for (++at; at < arguments.size() && arguments[at] != "--"; ++at) {
    if (arguments[at] == "--release" || arguments[at] == "-r") build.profile = "release";
    if (const auto profile = ValueAt(arguments, at, "--profile")) build.profile = DirectoryOf(*profile);
    if (const auto target = ValueAt(arguments, at, "--target")) build.target = *target;
    if (const auto manifest = ValueAt(arguments, at, "--manifest-path")) {
      build.directory = std::string(DirectoryName(Below(build.directory, *manifest)));
    }
  }
  return build;
}

}  // namespace smelt
