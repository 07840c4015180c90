#include "src/store/digest_key.h"

#include <algorithm>

namespace smelt {
namespace {

constexpr int kSizeBytes = 8;

}  // namespace

std::string DigestKey(const Digest& digest) {
  std::string key(digest.hash.begin(), digest.hash.end());
  for (int shift = 8 * (kSizeBytes - 1); shift >= 0; shift -= 8) key.push_back(static_cast<char>(digest.size >> shift));
  return key;
}

std::optional<Digest> DigestOfKey(std::string_view key) {
  if (key.size() != Digest::kHashBytes + kSizeBytes) return std::nullopt;
  Digest digest;
  std::copy_n(key.begin(), Digest::kHashBytes, digest.hash.begin());
  std::uint64_t size = 0;
  for (char byte : key.substr(Digest::kHashBytes)) size = size << 8 | static_cast<std::uint8_t>(byte);
  digest.size = static_cast<std::int64_t>(size);
  return digest;
}

}  // namespace smelt
