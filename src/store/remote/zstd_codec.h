#ifndef SMELT_STORE_REMOTE_ZSTD_CODEC_H_
#define SMELT_STORE_REMOTE_ZSTD_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/zstd.h"

namespace smelt {

// On what rustc writes level 1 makes 96 MB/s and shrinks to 1/3.49, level 3 29 MB/s and 1/3.74
// (docs/adr/0006-bucket-of-packs.md).
inline constexpr int kPackLevel = 1;

// One frame that holds `bytes`.
std::string PackBlob(std::string_view bytes);

// True if a sample of these bytes shrinks by a tenth at least: worth the time.
bool IsCompressible(std::string_view sample);

// Unpacks a blob of `size` bytes. One thread.
class BlobUnpacker {
 public:
  explicit BlobUnpacker(std::int64_t size);

  // Hands on what `bytes` hold. DATA_LOSS for a stream that holds more than the blob, or is not zstd.
  absl::Status Add(std::string_view bytes, const ZstdDecoder::Sink& sink);

  // DATA_LOSS if the stream ended in the middle, or held fewer bytes than it should. No stream at all is an empty blob.
  absl::Status End() const;

 private:
  const std::int64_t size_;
  ZstdDecoder decoder_;
  bool empty_ = true;  // nothing was added
};

// All of a frame of which it is known that it holds `size` bytes.
absl::StatusOr<std::string> UnpackBlob(std::string_view bytes, std::int64_t size);

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_ZSTD_CODEC_H_
