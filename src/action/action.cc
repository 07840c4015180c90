#include "src/action/action.h"

#include <algorithm>
#include <map>
#include <optional>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "fmt/format.h"
#include "src/compilers/rustc/arg_file.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr char kToolchainPath[] = "smelt/toolchain";

std::map<std::string, std::optional<std::string>> Variables(const UnitKey& unit, const Closure& closure) {
  std::map<std::string, std::optional<std::string>> variables = closure.variables;
  for (const auto& [name, value] : unit.environment) variables.emplace(name, value);
  return variables;
}

bool IsInToolchain(const std::string& path) { return path.starts_with("/smelt/toolchain/"); }

// Length-prefixed, so that no two lists of fields give the same text.
void Append(std::string& text, std::string_view kind, std::string_view name, std::string_view value = {}) {
  fmt::format_to(std::back_inserter(text), "{} {}:{} {}:{}\n", kind, name.size(), name, value.size(), value);
}

std::string SaltText(const UnitKey& unit, const Closure& closure) {
  std::string text = fmt::format("smelt key schema {}\n", kKeySchema);
  for (const auto& [name, value] : Variables(unit, closure)) {
    if (!value) Append(text, "unset", name);
  }
  for (const std::string& path : closure.absent) Append(text, "absent", path);
  for (const std::string& path : closure.directories) Append(text, "directory", path);
  for (const auto& [path, digest] : closure.listings) Append(text, "listing", path, digest.Hex());
  for (const auto& [name, path] : closure.tools) Append(text, "tool", name, path);
  if (!closure.working_directory.empty()) Append(text, "real directory", closure.working_directory);
  // The toolchain is one digest in the tree: nothing more can be added below it.
  for (const auto& [path, digest] : closure.files) {
    if (IsInToolchain(path)) Append(text, "file", path, digest.ToString());
  }
  return text;
}

reapi::NamedBlob Blob(std::string bytes) {
  Digest digest = DigestOf(bytes);
  return {digest, std::move(bytes)};
}

// The unit's arguments with the closure's remaps behind the unit's own, which come first: of the prefixes that fit,
// rustc takes the last.
std::vector<std::string> Arguments(const UnitKey& unit, const Closure& closure) {
  std::vector<std::string> arguments = unit.arguments;
  auto at = std::find_if_not(arguments.begin(), arguments.end(), [](const std::string& argument) {
    return argument.starts_with("--remap-path-prefix=/smelt/");
  });
  for (const auto& [directory, embedded] : closure.remaps) {
    at = arguments.insert(at, fmt::format("--remap-path-prefix={}={}", directory, embedded)) + 1;
  }
  return arguments;
}

v2::Command CommandOf(const UnitKey& unit, const Closure& closure) {
  v2::Command command;
  for (const std::string& argument : unit.program) command.add_arguments(argument);
  for (const std::string& argument : Arguments(unit, closure)) command.add_arguments(argument);
  for (const auto& [name, value] : Variables(unit, closure)) {
    if (!value) continue;
    auto& variable = *command.add_environment_variables();
    variable.set_name(name);
    variable.set_value(*value);
  }
  for (const std::string& output : unit.outputs) command.add_output_paths(output);
  command.set_working_directory(unit.working_directory);
  return command;
}

}  // namespace

Digest ManifestKey(const UnitKey& unit) {
  std::string text = fmt::format("smelt manifest schema {}\n", kKeySchema);
  Append(text, "toolchain", unit.toolchain.ToString());
  Append(text, "directory", unit.working_directory);
  for (const std::string& argument : unit.program) Append(text, "program", argument);
  for (const std::string& argument : unit.arguments) Append(text, "argument", argument);
  for (const auto& [name, value] : unit.environment)
    Append(text, value ? "variable" : "unset", name, value.value_or(""));
  return DigestOf(text);
}

BuiltAction BuildAction(const UnitKey& unit, const Closure& closure) {
  reapi::InputTree tree;
  for (const auto& [path, digest] : closure.files) {
    if (!IsInToolchain(path)) tree.AddFile(path, digest, closure.executables.contains(path));
  }
  tree.AddDirectory(kToolchainPath, unit.toolchain);
  reapi::InputTree::Built inputs = tree.Build();

  BuiltAction built;
  built.blobs = std::move(inputs.directories);
  reapi::NamedBlob command = Blob(CommandOf(unit, closure).SerializeAsString());
  reapi::NamedBlob salt = Blob(SaltText(unit, closure));

  v2::Action action;
  *action.mutable_command_digest() = reapi::ToProto(command.digest);
  *action.mutable_input_root_digest() = reapi::ToProto(inputs.root);
  action.set_salt(salt.digest.ToString());
  reapi::NamedBlob action_blob = Blob(action.SerializeAsString());

  built.key = action_blob.digest;
  built.blobs.push_back(std::move(command));
  built.blobs.push_back(std::move(salt));
  built.blobs.push_back(std::move(action_blob));
  return built;
}

bool IsRepresentable(const UnitKey& unit, const Closure& closure) {
  auto are_names = [](const auto& names) { return std::all_of(names.begin(), names.end(), rustc::IsUtf8); };
  auto have_names = [](const auto& map) {
    return std::all_of(map.begin(), map.end(), [](const auto& entry) { return rustc::IsUtf8(entry.first); });
  };
  auto are_variables = [](const auto& variables) {
    return std::all_of(variables.begin(), variables.end(), [](const auto& variable) {
      return rustc::IsUtf8(variable.first) && rustc::IsUtf8(variable.second.value_or(""));
    });
  };
  return are_names(unit.program) && are_names(unit.arguments) && rustc::IsUtf8(unit.working_directory) &&
         are_variables(unit.environment) && are_names(unit.outputs) && have_names(closure.files) &&
         are_names(closure.absent) && are_names(closure.directories) && have_names(closure.listings) &&
         are_variables(closure.variables) && have_names(closure.tools) && have_names(closure.remaps);
}

std::vector<std::string> KeyDump(const UnitKey& unit, const Closure& closure) {
  std::vector<std::string> lines;
  lines.push_back(fmt::format("toolchain {}", unit.toolchain.Hex()));
  lines.push_back(fmt::format("working directory {}", unit.working_directory));
  for (const std::string& argument : Arguments(unit, closure)) lines.push_back(fmt::format("argument {}", argument));
  for (const auto& [name, value] : Variables(unit, closure)) {
    lines.push_back(value ? fmt::format("variable {}={}", name, *value) : fmt::format("unset {}", name));
  }
  for (const auto& [name, path] : closure.tools) lines.push_back(fmt::format("tool {} is {}", name, path));
  for (const auto& [path, digest] : closure.files) lines.push_back(fmt::format("file {} {}", path, digest.Hex()));
  for (const std::string& path : closure.executables) lines.push_back(fmt::format("executable {}", path));
  if (!closure.working_directory.empty()) {
    lines.push_back(fmt::format("real working directory {}", closure.working_directory));
  }
  for (const std::string& path : closure.absent) lines.push_back(fmt::format("absent {}", path));
  for (const std::string& path : closure.directories) lines.push_back(fmt::format("directory {}", path));
  for (const auto& [path, digest] : closure.listings) lines.push_back(fmt::format("listing {} {}", path, digest.Hex()));
  return lines;
}

}  // namespace smelt
