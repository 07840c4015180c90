#include "src/reapi/digests.h"

#include "fmt/format.h"

namespace smelt::reapi {
namespace {

// -1 for what is no lower-case hexadecimal digit.
constexpr int Nibble(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

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
  if (digest.hash().size() != 2 * Digest::kHashBytes || parsed.size < 0) return NotADigest(digest);
  int bad = 0;
  for (std::size_t i = 0; i < Digest::kHashBytes; ++i) {
    const int high = Nibble(digest.hash()[2 * i]), low = Nibble(digest.hash()[2 * i + 1]);
    bad |= high | low;
    parsed.hash[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (bad < 0) return NotADigest(digest);
  return parsed;
}

}  // namespace smelt::reapi
