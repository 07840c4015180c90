#ifndef SMELT_STORE_ZSTD_CONTEXTS_H_
#define SMELT_STORE_ZSTD_CONTEXTS_H_

#include <zstd.h>

#include <memory>
#include <string>
#include <string_view>

namespace smelt {

struct FreeZstdContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

using ZstdCompression = std::unique_ptr<ZSTD_CCtx, FreeZstdContext>;
using ZstdDecompression = std::unique_ptr<ZSTD_DCtx, FreeZstdContext>;

// All of `bytes` as one frame, as `context` is set. Empty if zstd cannot.
inline std::string ZstdFrame(ZSTD_CCtx* context, std::string_view bytes) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress2(context, frame.data(), frame.size(), bytes.data(), bytes.size());
  frame.resize(ZSTD_isError(size) ? 0 : size);
  return frame;
}

}  // namespace smelt

#endif  // SMELT_STORE_ZSTD_CONTEXTS_H_
