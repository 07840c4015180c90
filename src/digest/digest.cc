#include "src/digest/digest.h"

#include <charconv>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace smelt {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string Digest::Hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex(2 * kHashBytes, '0');
  for (std::size_t i = 0; i < kHashBytes; ++i) {
    hex[2 * i] = kDigits[hash[i] >> 4];
    hex[2 * i + 1] = kDigits[hash[i] & 15];
  }
  return hex;
}

std::string Digest::ToString() const { return fmt::format("{}/{}", Hex(), size); }

absl::StatusOr<Digest> Digest::Parse(std::string_view text) {
  auto invalid = [&] {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a digest: 64 lower-case hexadecimal digits, '/', size", text.substr(0, 120)));
  };
  constexpr std::size_t kHexDigits = 2 * kHashBytes;
  if (text.size() < kHexDigits + 2 || text[kHexDigits] != '/') return invalid();
  Digest digest;
  for (std::size_t i = 0; i < kHashBytes; ++i) {
    int high = HexValue(text[2 * i]), low = HexValue(text[2 * i + 1]);
    if (high < 0 || low < 0) return invalid();
    digest.hash[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  std::string_view size = text.substr(kHexDigits + 1);
  if (size.size() > 1 && size[0] == '0') return invalid();
  if (size[0] == '-') return invalid();
  auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), digest.size);
  if (error != std::errc() || end != size.data() + size.size()) return invalid();
  return digest;
}

}  // namespace smelt
