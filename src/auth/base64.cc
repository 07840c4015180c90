#include "src/auth/base64.h"

#include <cstdint>

namespace smelt {
namespace {

int ValueOf(char c, std::string_view last_two) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == last_two[0]) return 62;
  if (c == last_two[1]) return 63;
  return -1;
}

std::optional<std::string> Decode(std::string_view text, std::string_view last_two) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    const int value = ValueOf(c, last_two);
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<char>(bits >> held & 0xff));
      bits &= (1u << held) - 1;
    }
  }
  if (bits != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return Decode(text, "+/");
}

std::optional<std::string> DecodeBase64Url(std::string_view text) { return Decode(text, "-_"); }

}  // namespace smelt
