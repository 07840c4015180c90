#include "src/services/byte_stream/read_range.h"

#include <algorithm>

#include "fmt/format.h"
#include "google/bytestream/bytestream.pb.h"

namespace smelt {

absl::StatusOr<ReadRange> ReadRangeOf(const google::bytestream::ReadRequest& request, const reapi::ResourceName& name) {
  ReadRange range{name.digest, name.compressor == reapi::ResourceName::Compressor::kZstd};
  const std::int64_t offset = request.read_offset();
  const std::int64_t limit = request.read_limit();
  if (limit < 0) return absl::InvalidArgumentError(fmt::format("read_limit: negative: {}", limit));
  if (limit != 0 && range.zstd) return absl::InvalidArgumentError("read_limit: must be 0 for compressed-blobs");
  if (offset < 0 || offset > name.digest.size) {
    return absl::OutOfRangeError(
        fmt::format("read_offset: {} is not within the blob's {} bytes", offset, name.digest.size));
  }
  range.begin = offset;
  range.end = limit == 0 ? name.digest.size : offset + std::min(limit, name.digest.size - offset);
  return range;
}

}  // namespace smelt
