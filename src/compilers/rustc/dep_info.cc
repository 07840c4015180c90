#include "src/compilers/rustc/dep_info.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace smelt::rustc {
namespace {

constexpr std::string_view kEnvironment = "# env-dep:";

absl::Status Malformed(int line, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("dep-info, line {}: {}", line, what));
}

void AddUnique(std::vector<std::string>& all, std::string text) {
  if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(std::move(text));
}

// Takes one line, without its end, off the front.
std::string_view TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

// Where the target of a rule ends: the first ':' before a space or the end that is not part of an escaped space.
std::size_t TargetEnd(std::string_view line) {
  const std::size_t separator = line.find(": ");
  if (separator != std::string_view::npos) return separator;
  return line.ends_with(':') ? line.size() - 1 : std::string_view::npos;
}

// rustc escapes nothing but spaces, so a backslash elsewhere is itself.
std::vector<std::string> RustcPaths(std::string_view list) {
  std::vector<std::string> paths;
  std::string path;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list.substr(i).starts_with("\\ ")) {
      path += ' ';
      ++i;
    } else if (i == list.size() || list[i] == ' ') {
      if (!path.empty()) AddUnique(paths, std::move(path));
      path.clear();
    } else {
      path += list[i];
    }
  }
  return paths;
}

bool Unescape(std::string_view text, std::string& result) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      result += text[i];
      continue;
    }
    if (++i == text.size()) return false;
    switch (text[i]) {
      case 'n':
        result += '\n';
        break;
      case 'r':
        result += '\r';
        break;
      case '\\':
        result += '\\';
        break;
      default:
        return false;
    }
  }
  return true;
}

absl::Status AddVariable(std::string_view text, int line, DepInfo& info) {
  const std::size_t equals = text.find('=');
  std::string name;
  std::string value;
  if (!Unescape(text.substr(0, equals), name) || name.empty()) return Malformed(line, "env-dep without a name");
  if (equals == std::string_view::npos) {
    info.environment.emplace_back(std::move(name), std::nullopt);
    return absl::OkStatus();
  }
  if (!Unescape(text.substr(equals + 1), value)) return Malformed(line, "env-dep with an unknown escape");
  info.environment.emplace_back(std::move(name), std::move(value));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DepInfo> ParseDepInfo(std::string_view text) {
  DepInfo info;
  bool first_rule = true;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = TakeLine(text);
    if (line.starts_with(kEnvironment)) {
      if (absl::Status added = AddVariable(line.substr(kEnvironment.size()), number, info); !added.ok()) return added;
      continue;
    }
    if (line.empty() || line.starts_with("# ")) continue;
    const std::size_t end = TargetEnd(line);
    if (end == std::string_view::npos) return Malformed(number, "neither a rule nor a comment");
    if (first_rule) info.sources = RustcPaths(line.substr(end + 1));
    first_rule = false;
  }
  return info;
}

namespace {

// Reads the words of one make rule: "\" at the end of a line continues it, "\ " and "\#" are characters, "$$" is "$".
class MakeWords {
 public:
  explicit MakeWords(std::string_view text) : text_(text) {}

  // The next word of the rule; empty at its end.
  std::string Next() {
    SkipSpace();
    std::string word;
    while (at_ < text_.size() && !IsSpace() && !AtContinuation()) word += TakeCharacter();
    return word;
  }

 private:
  bool StartsWith(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }
  bool IsSpace() const { return text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'; }
  bool AtContinuation() const { return StartsWith("\\\n") || StartsWith("\\\r\n"); }

  void SkipSpace() {
    while (at_ < text_.size()) {
      if (AtContinuation()) {
        at_ += StartsWith("\\\n") ? 2 : 3;
      } else if (text_[at_] == '\n' || !IsSpace()) {
        return;
      } else {
        ++at_;
      }
    }
  }

  char TakeCharacter() {
    const bool escaped = StartsWith("\\ ") || StartsWith("\\#") || StartsWith("$$");
    at_ += escaped ? 2 : 1;
    return text_[at_ - 1];
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseLinkerDependencyFile(std::string_view text) {
  MakeWords words(text);
  std::string target = words.Next();
  // The colon may stand apart from a target that ends in a character of its own.
  while (!target.empty() && !target.ends_with(':')) target = words.Next();
  if (target.empty()) return absl::InvalidArgumentError("linker's dependency file: no rule in it");
  std::vector<std::string> files;
  for (std::string word = words.Next(); !word.empty(); word = words.Next()) AddUnique(files, std::move(word));
  return files;
}

}  // namespace smelt::rustc
