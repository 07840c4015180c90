#include "src/compilers/rustc/recorded_commands.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <variant>

#include "src/compilers/rustc/arg_file.h"

namespace smelt::rustc {

const std::string* RecordedCommand::Variable(std::string_view name) const {
  const auto found = environment.find(name);
  return found == environment.end() ? nullptr : &found->second;
}

std::variant<Invocation, Refusal> RecordedCommand::Parsed() const {
  return Parse(
      command, working_directory, [this](std::string_view name) { return Variable(name); },
      [](const std::string&) -> std::optional<std::string> { return std::nullopt; });
}

std::vector<RecordedCommand> ReadRecording(std::string_view text) {
  std::vector<RecordedCommand> units;
  for (const std::string& line : LinesOf(text)) {
    if (line.size() < 4 || (units.empty() && !line.starts_with("unit "))) continue;
    const std::string rest = line.substr(line.find(' ') + 1);
    if (line.starts_with("unit ")) units.push_back({.title = rest});
    if (line.starts_with("cwd ")) units.back().working_directory = rest;
    if (line.starts_with("arg ")) units.back().command.push_back(rest);
    if (line.starts_with("env ")) {
      const std::size_t equals = rest.find('=');
      units.back().environment[rest.substr(0, equals)] = rest.substr(equals + 1);
    }
  }
  return units;
}

std::vector<RecordedCommand> RecordingNamed(const std::string& name) {
  std::ifstream file("src/compilers/rustc/testdata/" + name, std::ios::binary);
  return ReadRecording(std::string(std::istreambuf_iterator<char>(file), {}));
}

bool IsQuestion(const RecordedCommand& recorded) {
  return std::any_of(recorded.command.begin(), recorded.command.end(),
                     [](const std::string& argument) { return argument == "-vV" || argument == "-"; });
}

}  // namespace smelt::rustc
