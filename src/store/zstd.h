#ifndef SMELT_STORE_ZSTD_H_
#define SMELT_STORE_ZSTD_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/bytes.h"

namespace smelt {

// `text` as one zstd frame. docs/adr/0006-bucket-of-packs.md has what the levels take and save.
std::string ZstdCompress(std::string_view text, int level);

// The reverse; DATA_LOSS for what is no zstd frame, or for more than `bytes_max` bytes: nothing beyond that is made.
absl::StatusOr<std::string> ZstdDecompress(std::string_view compressed, std::int64_t bytes_max);

// The same for large ones, in pieces; the result is a file in `directory` (see Spool) when it is large.
absl::StatusOr<Bytes> ZstdCompress(const Bytes& bytes, int level, const std::string& directory);

// Compresses streams piece by piece, in bounded memory. One thread at a time.
class ZstdEncoder {
 public:
  explicit ZstdEncoder(int level);
  ~ZstdEncoder();

  // What has become ready when `bytes` were added; with `last` all of the rest, and the next call begins a new frame.
  absl::StatusOr<std::string> Add(std::string_view bytes, bool last);

  // All of `bytes` as one frame. Not within another one.
  std::string Frame(std::string_view bytes);

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
};

// The reverse. One thread at a time.
class ZstdDecoder {
 public:
  using Sink = std::function<absl::Status(std::string_view)>;

  // What it gives comes in pieces of at most `piece_bytes`.
  static constexpr std::int64_t kPieceBytes = 128 << 10;
  static constexpr int kWindowLogMax = 27;  // 128 MiB: what a frame may make it allocate

  explicit ZstdDecoder(int window_log_max = kWindowLogMax, std::int64_t piece_bytes = kPieceBytes);
  ~ZstdDecoder();

  // A stream begins, which may hold `bytes_max` bytes. To be called before all else.
  void Begin(std::int64_t bytes_max);

  // Hands on what `frames` hold. DATA_LOSS for what is not zstd or needs a larger window, and for more bytes than there
  // may be, of which one at most is handed on; the sink's error.
  absl::Status Add(std::string_view frames, const Sink& sink);

  // DATA_LOSS if the stream ends within a frame; one without any frame does, too.
  absl::Status End() const;

  // Bytes handed on since Begin.
  std::int64_t decoded() const;

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
};

}  // namespace smelt

#endif  // SMELT_STORE_ZSTD_H_
