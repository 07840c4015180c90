#include "src/config/toml_text.h"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <sstream>
#include <string_view>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace smelt {
namespace {

constexpr int kNestedMax = 100;
constexpr int kDotsMax = 1000;  // of keys such as a.b.c

// How many bytes the character at the beginning of `text`, which is not empty, has in UTF-8; 0 if it is none.
std::size_t CharacterBytes(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = at(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned two = first << 8 | at(1);
  const bool overlong = (first == 0xe0 && two < 0xe0a0) || (first == 0xf0 && two < 0xf090);
  const bool beyond = (first == 0xed && two >= 0xeda0) || (first == 0xf4 && two >= 0xf490);
  return overlong || beyond ? 0 : size;
}

absl::Status CheckUtf8(std::string_view text, const std::string& file) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = CharacterBytes(text.substr(i));
    if (size == 0) {
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), '\n');
      return absl::InvalidArgumentError(fmt::format("{}:{}: not UTF-8, which TOML is written in", file, line));
    }
    i += size;
  }
  return absl::OkStatus();
}

// Brackets that are open, and the dots of a line; those in texts and comments count as well.
absl::Status CheckNesting(std::string_view text, const std::string& file) {
  int open = 0, dots = 0, line = 1;
  for (const char c : text) {
    if (c == '\n') ++line, dots = 0;
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (c == '.') ++dots;
    if (open > kNestedMax || dots > kDotsMax) {
      return absl::InvalidArgumentError(fmt::format("{}:{}: tables and lists within each other {} times", file, line,
                                                    open > kNestedMax ? open : dots));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<std::string> ReadText(const std::string& file) {
  std::ifstream stream(file);
  if (!stream || (stream.peek(), stream.bad())) return std::nullopt;
  std::ostringstream text;
  if (stream.good()) text << stream.rdbuf();
  return text.str();
}

absl::StatusOr<toml::value> ParseToml(const std::string& text, const std::string& file) {
  if (absl::Status status = CheckUtf8(text, file); !status.ok()) return status;
  if (absl::Status status = CheckNesting(text, file); !status.ok()) return status;
  try {
    std::istringstream stream(text);
    return toml::parse(stream, file);
  } catch (const toml::exception& e) {
    return absl::InvalidArgumentError(fmt::format("{}:{}: {}", file, e.location().line(), e.what()));
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", file, e.what()));
  }
}

}  // namespace smelt
