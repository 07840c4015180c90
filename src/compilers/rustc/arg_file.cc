#include "src/compilers/rustc/arg_file.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace smelt::rustc {
namespace {

// Length of the UTF-8 sequence at the start of `text` (not empty); 0 if there is none.
std::size_t SequenceLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0 && continues(1) && continues(2)) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first >= 0xF0 && first < 0xF5 && continues(1) && continues(2) && continues(3)) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool too_large = first == 0xF4 && byte(1) >= 0x90;
    return overlong || too_large ? 0 : 4;
  }
  return 0;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      lines.emplace_back(text);
      break;
    }
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(end + 1);
  }
  return lines;
}

std::variant<ExpandedArguments, Refusal> ExpandArgFiles(const std::vector<std::string>& arguments,
                                                        const ReadFile& read_file) {
  ExpandedArguments expanded;
  for (const std::string& argument : arguments) {
    if (!argument.starts_with('@')) {
      expanded.arguments.push_back(argument);
      continue;
    }
    const std::optional<std::string> text = read_file(argument.substr(1));
    if (!text.has_value() || !IsUtf8(*text)) return Refusal::kUnreadableArgFile;
    for (std::string& line : LinesOf(*text)) expanded.arguments.push_back(std::move(line));
    expanded.had_arg_file = true;
  }
  return expanded;
}

}  // namespace smelt::rustc
