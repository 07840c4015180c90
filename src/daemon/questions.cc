#include "src/daemon/questions.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "src/base/path_names.h"
#include "src/daemon/unit.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

bool IsVersion(const std::string& argument) {
  constexpr std::array<std::string_view, 5> kForms = {"-vV", "-V", "--version", "-v", "--verbose"};
  return std::find(kForms.begin(), kForms.end(), argument) != kForms.end();
}

bool IsPrint(const std::string& argument) { return argument.starts_with("--print"); }

// Arguments whose meaning lies in files or in this machine's processor.
bool DependsOnMore(const std::string& argument) {
  return argument.starts_with('@') || argument.find("native") != std::string::npos || argument.ends_with(".json") ||
         argument.starts_with("--sysroot") || argument.starts_with("-Z") ||
         argument.find("profile-use") != std::string::npos;
}

// `-vV` alone, or a question with --print about the source on stdin, which rustc then does not read.
bool IsQuestion(const std::vector<std::string>& arguments) {
  if (arguments.empty() || std::any_of(arguments.begin(), arguments.end(), DependsOnMore)) return false;
  if (std::all_of(arguments.begin(), arguments.end(), IsVersion)) {
    return std::any_of(arguments.begin(), arguments.end(), [](const auto& a) { return a != "-v" && a != "--verbose"; });
  }
  const bool on_stdin = std::find(arguments.begin(), arguments.end(), "-") != arguments.end();
  const bool emits = std::any_of(arguments.begin(), arguments.end(), [](const auto& a) {
    return a.starts_with("--emit") || a.starts_with("--out-dir") || a.starts_with("-o");
  });
  return on_stdin && !emits && std::any_of(arguments.begin(), arguments.end(), IsPrint);
}

void Append(std::string& text, std::string_view part) {
  fmt::format_to(std::back_inserter(text), "{}:{}\n", part.size(), part);
}

}  // namespace

std::optional<Questions::Question> Questions::Understand(const wire::Compile& request) {
  const std::vector<std::string>& command = request.command;
  if (command.empty() || !command[0].starts_with('/')) return std::nullopt;
  const bool has_driver = BaseName(command[0]).starts_with("clippy-driver");
  const std::size_t first = has_driver && command.size() > 1 && BaseName(command[1]) == "rustc" ? 2 : 1;
  if (!command[first - 1].starts_with('/')) return std::nullopt;
  if (!IsQuestion({command.begin() + static_cast<std::ptrdiff_t>(first), command.end()})) return std::nullopt;

  const Environment environment(request.environment);
  if (environment.Find("RUSTC_LOG")) return std::nullopt;
  Toolchains::Request wanted = ToolchainRequestIn(request, environment);
  wanted.compiler = command[first - 1];
  if (has_driver && first == 1) wanted.compiler = command[0].substr(0, command[0].rfind('/') + 1) + "rustc";
  if (has_driver) wanted.driver = command[0];
  for (std::size_t i = first; i + 1 < command.size(); ++i) {
    if (command[i] == "--target") wanted.target = command[i + 1];
  }
  return Question{.toolchain = std::move(wanted),
                  .is_about_target = std::find(command.begin(), command.end(), "-") != command.end()};
}

std::optional<std::string> Questions::KeyOf(const wire::Compile& request, const Question& question) {
  auto toolchain = toolchains_.Find(question.toolchain);
  if (!toolchain.ok()) return std::nullopt;

  // The answer names the sysroot, so its path is a part of the question.
  std::string text;
  Append(text, (*toolchain)->root.Hex());
  Append(text, (*toolchain)->sysroot);
  for (const std::string& argument : request.command) Append(text, argument);
  const Environment environment(request.environment);
  for (const char* name : {"RUSTC_BOOTSTRAP", "RUSTC_FORCE_RUSTC_VERSION", "RUSTC_OVERRIDE_VERSION_STRING",
                           "RUST_TARGET_PATH", "MACOSX_DEPLOYMENT_TARGET", "SDKROOT", "SYSROOT", "CLIPPY_ARGS"}) {
    const std::string* value = environment.Find(name);
    Append(text, value ? "=" + *value : "unset");
  }
  return "question\n" + DigestOf(text).Hex();
}

std::optional<Questions::Answer> Questions::Find(const std::string& key) {
  std::optional<std::string> value = table_.Get(key);
  if (!value) return std::nullopt;
  const std::size_t colon = value->find(':');
  const std::size_t size = std::strtoull(value->c_str(), nullptr, 10);
  if (colon == std::string::npos || size > value->size() - colon - 1) return std::nullopt;
  return Answer{value->substr(colon + 1, size), value->substr(colon + 1 + size)};
}

void Questions::Remember(const std::string& key, const Answer& answer) {
  constexpr std::size_t kAnswerBytesMax = 1 << 20;
  if (answer.standard_output.size() + answer.standard_error.size() > kAnswerBytesMax) return;
  table_.Put(key, fmt::format("{}:{}{}", answer.standard_output.size(), answer.standard_output, answer.standard_error))
      .IgnoreError();
}

}  // namespace smelt
