#include "src/store/remote/zstd_codec.h"

#include <zstd.h>

#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::size_t kSampleBytes = 64 << 10;

absl::Status Broken(std::string_view why) {
  return absl::DataLossError(fmt::format("a compressed blob is broken: {}", why));
}

}  // namespace

std::string PackBlob(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kPackLevel);
  out.resize(ZSTD_isError(size) ? 0 : size);
  return out;
}

bool IsCompressible(std::string_view sample) {
  sample = sample.substr(0, kSampleBytes);
  return PackBlob(sample).size() * 10 <= sample.size() * 9;
}

struct BlobPacker::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  ~Context() { ZSTD_freeCCtx(zstd); }
};

BlobPacker::BlobPacker() : context_(std::make_unique<Context>()) {
  ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_compressionLevel, kPackLevel);
}

BlobPacker::~BlobPacker() = default;

absl::StatusOr<std::string> BlobPacker::Add(std::string_view bytes, bool last) {
  std::string ready;
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  const ZSTD_EndDirective mode = last ? ZSTD_e_end : ZSTD_e_continue;
  for (std::size_t left = 1; last ? left > 0 : in.pos < in.size;) {
    const std::size_t before = ready.size();
    ready.resize(before + ZSTD_CStreamOutSize());
    ZSTD_outBuffer out = {ready.data() + before, ready.size() - before, 0};
    left = ZSTD_compressStream2(context_->zstd, &out, &in, mode);
    if (ZSTD_isError(left)) return absl::InternalError(fmt::format("zstd: {}", ZSTD_getErrorName(left)));
    ready.resize(before + out.pos);
  }
  return ready;
}

struct BlobUnpacker::Context {
  ZSTD_DCtx* zstd = ZSTD_createDCtx();
  std::string buffer = std::string(ZSTD_DStreamOutSize(), '\0');
  std::int64_t left = 0;
  bool ended = true;  // at the end of a frame
  ~Context() { ZSTD_freeDCtx(zstd); }
};

BlobUnpacker::BlobUnpacker(std::int64_t size) : context_(std::make_unique<Context>()) { context_->left = size; }

BlobUnpacker::~BlobUnpacker() = default;

absl::Status BlobUnpacker::Add(std::string_view bytes, const std::function<absl::Status(std::string_view)>& sink) {
  Context& context = *context_;
  ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
  for (bool full = false; in.pos < in.size || full;) {
    ZSTD_outBuffer out = {context.buffer.data(), context.buffer.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context.zstd, &out, &in);
    if (ZSTD_isError(result)) return Broken(ZSTD_getErrorName(result));
    context.ended = result == 0;
    full = out.pos == out.size && result != 0;
    context.left -= static_cast<std::int64_t>(out.pos);
    if (context.left < 0) return Broken("it holds more bytes than its digest says");
    if (out.pos > 0) RETURN_IF_ERROR(sink(std::string_view(context.buffer).substr(0, out.pos)));
  }
  return absl::OkStatus();
}

absl::Status BlobUnpacker::End() const {
  if (!context_->ended) return Broken("it ends in the middle");
  if (context_->left != 0) return Broken(fmt::format("it ends {} bytes early", context_->left));
  return absl::OkStatus();
}

absl::StatusOr<std::string> UnpackBlob(std::string_view bytes, std::int64_t size) {
  BlobUnpacker decoder(size);
  std::string all;
  RETURN_IF_ERROR(decoder.Add(bytes, [&](std::string_view piece) {
    all += piece;
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(decoder.End());
  return all;
}

}  // namespace smelt
