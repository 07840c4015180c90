#include "src/store/zstd.h"

#define ZSTD_STATIC_LINKING_ONLY  // ZSTD_getFrameHeader
#include <zstd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/spool.h"
#include "src/store/zstd_contexts.h"

namespace smelt {
namespace {

constexpr std::int64_t kReadBytes = 256 << 10;

// `feed` gets all of `bytes` in order, `last` with the end.
template <typename Feed>
absl::Status InPieces(const Bytes& bytes, const Feed& feed) {
  std::int64_t at = 0;
  do {
    ASSIGN_OR_RETURN(const std::string piece, bytes.Read(at, kReadBytes));
    at += static_cast<std::int64_t>(piece.size());
    RETURN_IF_ERROR(feed(piece, at == bytes.size()));
  } while (at < bytes.size());
  return absl::OkStatus();
}

// Debian's library also reads what zstd wrote before 1.0: without a bound on its window, and other readers do not know
// it. The first byte tells.
bool MayBegin(char frame) {
  return static_cast<unsigned char>(frame) == (ZSTD_MAGICNUMBER & 0xff) || (frame & 0xf0) == 0x50;  // skippable
}

// True if a frame begins here that says that it needs a larger window. zstd looks itself, but not at a frame that it
// has whole and has room for.
bool NeedsWindow(std::string_view frames, std::size_t bytes_max) {
  ZSTD_frameHeader header;
  return ZSTD_getFrameHeader(&header, frames.data(), frames.size()) == 0 && header.frameType == ZSTD_frame &&
         header.windowSize > bytes_max;
}

}  // namespace

struct ZstdEncoder::Context {
  const ZstdCompression zstd{ZSTD_createCCtx()};
};

ZstdEncoder::ZstdEncoder(int level) : context_(std::make_unique<Context>()) {
  ZSTD_CCtx_setParameter(context_->zstd.get(), ZSTD_c_compressionLevel, level);
}

ZstdEncoder::~ZstdEncoder() = default;

absl::StatusOr<std::string> ZstdEncoder::Add(std::string_view bytes, bool last) {
  std::string ready;
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  const ZSTD_EndDirective mode = last ? ZSTD_e_end : ZSTD_e_continue;
  for (std::size_t left = 1; last ? left > 0 : in.pos < in.size;) {
    const std::size_t before = ready.size();
    ready.resize(before + ZSTD_CStreamOutSize());
    ZSTD_outBuffer out = {ready.data() + before, ready.size() - before, 0};
    left = ZSTD_compressStream2(context_->zstd.get(), &out, &in, mode);
    if (ZSTD_isError(left)) return absl::InternalError(fmt::format("zstd: {}", ZSTD_getErrorName(left)));
    ready.resize(before + out.pos);
  }
  return ready;
}

std::string ZstdEncoder::Frame(std::string_view bytes) { return ZstdFrame(context_->zstd.get(), bytes); }

struct ZstdDecoder::Context {
  const ZstdDecompression zstd{ZSTD_createDCtx()};
  const std::int64_t piece_bytes;
  std::string piece;
  std::int64_t bytes_max = 0;
  std::int64_t decoded = 0;
  bool within_frame = true;
  bool at_frame = true;  // a frame begins with the next byte
  std::size_t window_bytes_max = 0;
};

ZstdDecoder::ZstdDecoder(int window_log_max, std::int64_t piece_bytes)
    : context_(new Context{.piece_bytes = piece_bytes, .piece = {}}) {
  ZSTD_DCtx_setParameter(context_->zstd.get(), ZSTD_d_windowLogMax, window_log_max);
  context_->window_bytes_max = std::size_t{1} << window_log_max;
}

ZstdDecoder::~ZstdDecoder() = default;

void ZstdDecoder::Begin(std::int64_t bytes_max) {
  ZSTD_DCtx_reset(context_->zstd.get(), ZSTD_reset_session_only);
  context_->piece.resize(static_cast<std::size_t>(std::min(bytes_max, context_->piece_bytes - 1) + 1));
  context_->bytes_max = bytes_max;
  context_->decoded = 0;
  context_->within_frame = context_->at_frame = true;
}

absl::Status ZstdDecoder::Add(std::string_view frames, const Sink& sink) {
  Context& context = *context_;
  ZSTD_inBuffer in = {frames.data(), frames.size(), 0};
  for (bool full = false; in.pos < in.size || full;) {
    if (std::exchange(context.at_frame, false)) {
      if (!MayBegin(frames[in.pos])) return absl::DataLossError("zstd: Unknown frame descriptor");
      if (NeedsWindow(frames.substr(in.pos), context.window_bytes_max)) {
        return absl::DataLossError("zstd: Frame requires too much memory for decoding");
      }
    }
    ZSTD_outBuffer out = {context.piece.data(), context.piece.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context.zstd.get(), &out, &in);
    if (ZSTD_isError(result)) return absl::DataLossError(fmt::format("zstd: {}", ZSTD_getErrorName(result)));
    context.within_frame = result != 0;
    context.at_frame = result == 0;
    full = context.within_frame && out.pos == out.size;
    context.decoded += static_cast<std::int64_t>(out.pos);
    if (context.decoded > context.bytes_max) {
      return absl::DataLossError(fmt::format("zstd: holds more than the {} bytes that it should", context.bytes_max));
    }
    if (out.pos > 0) RETURN_IF_ERROR(sink(std::string_view(context.piece.data(), out.pos)));
  }
  return absl::OkStatus();
}

absl::Status ZstdDecoder::End() const {
  return context_->within_frame ? absl::DataLossError("zstd: ends within a frame") : absl::OkStatus();
}

std::int64_t ZstdDecoder::decoded() const { return context_->decoded; }

// An encoder is dear to make: each thread keeps the last one.
std::string ZstdCompress(std::string_view text, int level) {
  thread_local std::optional<std::pair<int, std::unique_ptr<ZstdEncoder>>> kept;
  if (!kept.has_value() || kept->first != level) kept.emplace(level, std::make_unique<ZstdEncoder>(level));
  return kept->second->Frame(text);
}

absl::StatusOr<std::string> ZstdDecompress(std::string_view compressed, std::int64_t bytes_max) {
  std::string text;
  ZstdDecoder decoder;
  decoder.Begin(bytes_max);
  RETURN_IF_ERROR(decoder.Add(compressed, [&](std::string_view piece) {
    text += piece;
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(decoder.End());
  return text;
}

absl::StatusOr<Bytes> ZstdCompress(const Bytes& bytes, int level, const std::string& directory) {
  ZstdEncoder encoder(level);
  Spool spool(directory);
  RETURN_IF_ERROR(InPieces(bytes, [&](std::string_view piece, bool last) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string ready, encoder.Add(piece, last));
    return spool.Append(ready);
  }));
  return spool.Finish();
}

}  // namespace smelt
