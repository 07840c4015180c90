#ifndef SMELT_SERVICES_ZSTD_ZSTD_CODEC_H_
#define SMELT_SERVICES_ZSTD_ZSTD_CODEC_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/bytes.h"

namespace smelt {

// Windows of at most 8 MiB are decoded; what REAPI's clients write needs less.
inline constexpr int kZstdWindowLogMax = 23;

// `bytes` as one zstd frame.
std::string CompressZstd(std::string_view bytes);

// What makes a zstd frame of so many bytes, at most kStoredBytesMax, that follow it as they are.
std::string StoredFrameHead(std::int64_t size);
inline constexpr std::int64_t kStoredBytesMax = 128 << 10;

// At most so many bytes encode `size` bytes, whichever way, if the encoder is sane: more is refused unread.
std::int64_t ZstdBytesMax(std::int64_t size);

// Decodes one or more frames that hold `size` bytes together; skippable frames are skipped. INVALID_ARGUMENT if they
// hold less or more (it stops at size + 1), end within a frame, need a larger window, or are none.
absl::StatusOr<std::string> DecompressZstd(std::string_view frames, std::int64_t size);

// The same for a blob of any size; `sink` gets it in pieces of at most 1 MiB, and ends it with an error. Blocks while
// all of the few large decoders are busy.
absl::Status DecompressZstd(const Bytes& frames, std::int64_t size,
                            const std::function<absl::Status(std::string_view)>& sink);

}  // namespace smelt

#endif  // SMELT_SERVICES_ZSTD_ZSTD_CODEC_H_
