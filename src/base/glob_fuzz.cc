// The first line is a pattern, the rest a text: what Glob says is what the plainest way to match says.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/glob.h"

namespace {

bool MatchesPlainly(std::string_view pattern, std::string_view text) {
  std::vector<bool> matches(text.size() + 1, false);  // of what was seen of the pattern, by length of the text's start
  matches[0] = true;
  for (const char c : pattern) {
    if (c == '*') {
      for (std::size_t i = 1; i <= text.size(); ++i) matches[i] = matches[i] || matches[i - 1];
    } else {
      for (std::size_t i = text.size(); i > 0; --i) matches[i] = matches[i - 1] && text[i - 1] == c;
      matches[0] = false;
    }
  }
  return matches[text.size()];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kSizeMax = 4096;
  if (size > kSizeMax) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view pattern = input.substr(0, input.find('\n'));
  const std::string text(pattern.size() < size ? input.substr(pattern.size() + 1) : "");
  const smelt::Glob glob(pattern);
  if (glob.Matches(text) != MatchesPlainly(pattern, text)) std::abort();
  const auto expanded = glob.Expand([&](std::string_view) { return text; });
  if (text.empty() || pattern.find_first_of("*{") != pattern.npos) return 0;
  if (!expanded.has_value() || !expanded->Matches(pattern)) std::abort();
  return 0;
}
