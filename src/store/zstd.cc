#include "src/store/zstd.h"

#include <zstd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/spool.h"

namespace smelt {
namespace {

constexpr std::int64_t kPieceBytes = 256 << 10;
constexpr int kWindowLogMax = 27;  // 128 MiB: what a frame may make us allocate

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

absl::Status NotZstd(std::size_t code) {
  return absl::DataLossError(fmt::format("not a zstd frame: {}", ZSTD_getErrorName(code)));
}

}  // namespace

std::string ZstdCompress(std::string_view text, int level) {
  std::string compressed(ZSTD_compressBound(text.size()), '\0');
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  compressed.resize(
      ZSTD_compressCCtx(context.get(), compressed.data(), compressed.size(), text.data(), text.size(), level));
  return compressed;
}

absl::StatusOr<std::string> ZstdDecompress(std::string_view compressed, std::int64_t bytes_max) {
  ASSIGN_OR_RETURN(const Bytes bytes, ZstdDecompress(Bytes(std::string(compressed)), bytes_max, ""));
  return bytes.ReadAll();
}

absl::StatusOr<Bytes> ZstdCompress(const Bytes& bytes, int level, const std::string& directory) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  Spool spool(directory);
  std::string out(ZSTD_CStreamOutSize(), '\0');
  for (std::int64_t at = 0;;) {
    ASSIGN_OR_RETURN(const std::string piece, bytes.Read(at, kPieceBytes));
    at += static_cast<std::int64_t>(piece.size());
    const ZSTD_EndDirective end = at == bytes.size() ? ZSTD_e_end : ZSTD_e_continue;
    ZSTD_inBuffer input{piece.data(), piece.size(), 0};
    for (std::size_t left = 1; end == ZSTD_e_end ? left != 0 : input.pos < input.size;) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      left = ZSTD_compressStream2(context.get(), &output, &input, end);
      if (ZSTD_isError(left)) return absl::InternalError(fmt::format("zstd: {}", ZSTD_getErrorName(left)));
      RETURN_IF_ERROR(spool.Append({out.data(), output.pos}));
    }
    if (end == ZSTD_e_end) return spool.Finish();
  }
}

absl::StatusOr<Bytes> ZstdDecompress(const Bytes& compressed, std::int64_t bytes_max, const std::string& directory) {
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  Spool spool(directory, std::min<std::int64_t>(bytes_max, Spool::kMemoryBytes));
  std::string out(ZSTD_DStreamOutSize(), '\0');
  std::size_t left = 1;
  for (std::int64_t at = 0; at < compressed.size();) {
    ASSIGN_OR_RETURN(const std::string piece, compressed.Read(at, kPieceBytes));
    at += static_cast<std::int64_t>(piece.size());
    ZSTD_inBuffer input{piece.data(), piece.size(), 0};
    for (bool full = false; input.pos < input.size || full;) {
      ZSTD_outBuffer output{out.data(), out.size(), 0};
      left = ZSTD_decompressStream(context.get(), &output, &input);
      if (ZSTD_isError(left)) return NotZstd(left);
      full = left != 0 && output.pos == output.size;
      if (spool.size() + static_cast<std::int64_t>(output.pos) > bytes_max) {
        return absl::DataLossError(fmt::format("a zstd frame holds more than the {} bytes that it should", bytes_max));
      }
      RETURN_IF_ERROR(spool.Append({out.data(), output.pos}));
    }
  }
  if (left != 0) return absl::DataLossError("a zstd frame ends early");
  return spool.Finish();
}

}  // namespace smelt
