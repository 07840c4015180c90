#include "src/reapi/digests.h"

#include <array>
#include <cstdint>
#include <string_view>

#include "fmt/format.h"

namespace smelt::reapi {
namespace {

constexpr std::uint8_t kNoNibble = 0xff;

// What each character is as a lower-case hexadecimal digit.
constexpr std::array<std::uint8_t, 256> kNibbles = [] {
  std::array<std::uint8_t, 256> nibbles{};
  nibbles.fill(kNoNibble);
  for (std::uint8_t i = 0; i < 16; ++i) nibbles[static_cast<std::uint8_t>("0123456789abcdef"[i])] = i;
  return nibbles;
}();

std::uint8_t Nibble(char c) { return kNibbles[static_cast<std::uint8_t>(c)]; }

absl::Status NotADigest(const v2::Digest& digest) {
  return absl::InvalidArgumentError(
      fmt::format("not a SHA-256 digest with a size: hash of {} characters, size_bytes {}", digest.hash().size(),
                  digest.size_bytes()));
}

}  // namespace

v2::Digest ToProto(const Digest& digest) {
  v2::Digest proto;
  proto.set_hash(digest.Hex());
  proto.set_size_bytes(digest.size);
  return proto;
}

absl::StatusOr<Digest> FromProto(const v2::Digest& digest) {
  Digest parsed;
  parsed.size = digest.size_bytes();
  const std::string_view hex = digest.hash();
  if (hex.size() != 2 * Digest::kHashBytes || parsed.size < 0) return NotADigest(digest);
  std::uint8_t seen = 0;
  for (std::size_t i = 0; i < Digest::kHashBytes; ++i) {
    const std::uint8_t high = Nibble(hex[2 * i]), low = Nibble(hex[2 * i + 1]);
    seen |= high | low;
    parsed.hash[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (seen > 15) return NotADigest(digest);
  return parsed;
}

}  // namespace smelt::reapi
