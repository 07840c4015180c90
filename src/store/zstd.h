#ifndef SMELT_STORE_ZSTD_H_
#define SMELT_STORE_ZSTD_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "src/store/bytes.h"

namespace smelt {

// `text` as one zstd frame.
std::string ZstdCompress(std::string_view text, int level);

// The reverse; DATA_LOSS for what is no zstd frame, or for more than `bytes_max` bytes: nothing beyond that is made.
absl::StatusOr<std::string> ZstdDecompress(std::string_view compressed, std::int64_t bytes_max);

// The same for large ones, in pieces; the results are files in `directory` (see Spool) when they are large.
absl::StatusOr<Bytes> ZstdCompress(const Bytes& bytes, int level, const std::string& directory);
absl::StatusOr<Bytes> ZstdDecompress(const Bytes& compressed, std::int64_t bytes_max, const std::string& directory);

}  // namespace smelt

#endif  // SMELT_STORE_ZSTD_H_
