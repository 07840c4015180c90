#include "src/store/remote/zstd_codec.h"

#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::size_t kSampleBytes = 64 << 10;

}  // namespace

std::string PackBlob(std::string_view bytes) { return ZstdCompress(bytes, kPackLevel); }

bool IsCompressible(std::string_view sample) {
  sample = sample.substr(0, kSampleBytes);
  return PackBlob(sample).size() * 10 <= sample.size() * 9;
}

BlobUnpacker::BlobUnpacker(std::int64_t size) : size_(size) { decoder_.Begin(size); }

absl::Status BlobUnpacker::Add(std::string_view bytes, const ZstdDecoder::Sink& sink) {
  empty_ = empty_ && bytes.empty();
  return decoder_.Add(bytes, sink);
}

absl::Status BlobUnpacker::End() const {
  if (!empty_) RETURN_IF_ERROR(decoder_.End());
  if (decoder_.decoded() == size_) return absl::OkStatus();
  return absl::DataLossError(fmt::format("zstd: ends {} bytes early", size_ - decoder_.decoded()));
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
