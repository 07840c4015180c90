#ifndef SMELT_STORE_REMOTE_ZSTD_CODEC_H_
#define SMELT_STORE_REMOTE_ZSTD_CODEC_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace smelt {

// Level 1: on what rustc writes it takes a third of the time of level 3 and leaves some 5 % more.
inline constexpr int kPackLevel = 1;

// One frame that holds `bytes`.
std::string PackBlob(std::string_view bytes);

// True if a sample of these bytes shrinks by a tenth at least: worth the time.
bool IsCompressible(std::string_view sample);

// Compresses a stream piece by piece, in bounded memory. One thread.
class BlobPacker {
 public:
  BlobPacker();
  ~BlobPacker();

  // What has become ready when `bytes` were added; with `last` all of the rest, after which nothing may be added.
  absl::StatusOr<std::string> Add(std::string_view bytes, bool last);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// The reverse. Never gives more than `size` bytes: DATA_LOSS for a stream that holds more or is not zstd. One thread.
class BlobUnpacker {
 public:
  explicit BlobUnpacker(std::int64_t size);
  ~BlobUnpacker();

  // Hands on what `bytes` hold, in pieces of at most some 128 KiB.
  absl::Status Add(std::string_view bytes, const std::function<absl::Status(std::string_view)>& sink);

  // DATA_LOSS if the stream ended in the middle, or held fewer bytes than it should.
  absl::Status End() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// All of a frame of which it is known that it holds `size` bytes.
absl::StatusOr<std::string> UnpackBlob(std::string_view bytes, std::int64_t size);

}  // namespace smelt

#endif  // SMELT_STORE_REMOTE_ZSTD_CODEC_H_
