#ifndef SMELT_DIGEST_DIGEST_H_
#define SMELT_DIGEST_DIGEST_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace smelt {

// The name of a blob: SHA-256 of its bytes and their number. Two blobs with the same Digest are the same blob, on
// every machine. A value: cheap to copy, totally ordered, usable as a key in absl's hashed containers.
//
// The same thing as REAPI's Digest message (`src/reapi` translates); kept apart from it so that what needs only
// digests does not need protobuf.
struct Digest {
  static constexpr int kHashBytes = 32;

  std::array<std::uint8_t, kHashBytes> hash{};
  std::int64_t size = 0;  // bytes

  // 64 lower-case hexadecimal digits.
  std::string Hex() const;

  // "<hex>/<size>", the form of REAPI's resource names and of everything we print.
  std::string ToString() const;

  // The reverse of ToString. INVALID_ARGUMENT, naming the text, for anything else: other lengths, upper case,
  // a negative size, a size with leading zeros.
  static absl::StatusOr<Digest> Parse(std::string_view text);

  friend auto operator<=>(const Digest&, const Digest&) = default;
  friend bool operator==(const Digest&, const Digest&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const Digest& digest) {
    return H::combine(std::move(state), digest.hash, digest.size);
  }
};

}  // namespace smelt

#endif  // SMELT_DIGEST_DIGEST_H_
