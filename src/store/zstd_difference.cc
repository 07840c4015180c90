#include "src/store/zstd_difference.h"

#include <zstd.h>

#include <algorithm>
#include <bit>

#include "fmt/format.h"
#include "src/store/zstd_contexts.h"

namespace smelt {
namespace {

// Higher levels find hardly more where long distances are looked at, and take three times as long.
constexpr int kLevel = 2;
constexpr int kWindowLogMax = 27;

constexpr std::string_view kMagic = "\x28\xb5\x2f\xfd";

// One frame and nothing else, which says that it holds `size` bytes.
bool IsFrameOf(std::string_view frame, std::int64_t size) {
  return frame.starts_with(kMagic) && ZSTD_findFrameCompressedSize(frame.data(), frame.size()) == frame.size() &&
         ZSTD_getFrameContentSize(frame.data(), frame.size()) == static_cast<unsigned long long>(size);
}

}  // namespace

std::string ZstdDifference(std::string_view from, std::string_view to) {
  const ZstdCompression zstd(ZSTD_createCCtx());
  const int window_log = std::clamp(static_cast<int>(std::bit_width(from.size() + to.size())), 10, kWindowLogMax);
  ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_enableLongDistanceMatching, 1);
  ZSTD_CCtx_setParameter(zstd.get(), ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_refPrefix(zstd.get(), from.data(), from.size());
  std::string frame = ZstdFrame(zstd.get(), to);
  frame.shrink_to_fit();
  return frame;
}

absl::StatusOr<std::string> ZstdApplyDifference(std::string_view from, std::string_view difference, std::int64_t size) {
  if (!IsFrameOf(difference, size)) {
    return absl::DataLossError(fmt::format("not one zstd frame that holds {} bytes", size));
  }
  const ZstdDecompression zstd(ZSTD_createDCtx());
  ZSTD_DCtx_refPrefix(zstd.get(), from.data(), from.size());
  std::string to(static_cast<std::size_t>(size), '\0');
  const std::size_t made = ZSTD_decompressDCtx(zstd.get(), to.data(), to.size(), difference.data(), difference.size());
  if (ZSTD_isError(made)) return absl::DataLossError(fmt::format("zstd: {}", ZSTD_getErrorName(made)));
  if (made != to.size()) return absl::DataLossError(fmt::format("zstd: {} bytes instead of {}", made, size));
  return to;
}

}  // namespace smelt
