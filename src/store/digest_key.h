#ifndef SMELT_STORE_DIGEST_KEY_H_
#define SMELT_STORE_DIGEST_KEY_H_

#include <optional>
#include <string>
#include <string_view>

#include "src/digest/digest.h"

namespace smelt {

// A digest as a key of the database: the 32 bytes of the hash, then the size as 8 bytes, most significant first.
std::string DigestKey(const Digest& digest);

// The reverse; nothing if `key` is not 40 bytes.
std::optional<Digest> DigestOfKey(std::string_view key);

}  // namespace smelt

#endif  // SMELT_STORE_DIGEST_KEY_H_
