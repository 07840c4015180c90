#ifndef SMELT_STORE_ROW_CHECKSUM_H_
#define SMELT_STORE_ROW_CHECKSUM_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace smelt {

inline constexpr std::size_t kRowChecksumBytes = 8;

// What a database keeps beside `bytes` under `key`: the beginning of the SHA-256 of both. So what has changed is
// noticed, and what has come under another's key.
std::string RowChecksum(std::string_view key, std::string_view bytes);

}  // namespace smelt

#endif  // SMELT_STORE_ROW_CHECKSUM_H_
