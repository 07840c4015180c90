#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/store/remote/zstd_codec.h"

namespace {

absl::StatusOr<std::string> InPieces(std::string_view wire, std::int64_t blob_size, std::size_t piece_size) {
  std::string blob;
  smelt::BlobUnpacker unpacker(blob_size);
  for (; !wire.empty(); wire.remove_prefix(std::min(piece_size, wire.size()))) {
    const absl::Status status = unpacker.Add(wire.substr(0, piece_size), [&](std::string_view bytes) {
      blob += bytes;
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
  }
  const absl::Status status = unpacker.End();
  if (!status.ok()) return status;
  return blob;
}

}  // namespace

// What a server sends for a blob is that many bytes or refused, and the same in however many pieces it comes. The first
// two bytes say how large the blob is, the third how long the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::int64_t blob_size = data[0] | data[1] << 8;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 3, size - 3);
  const auto whole = smelt::UnpackBlob(wire, blob_size);
  const auto pieces = InPieces(wire, blob_size, data[2] + std::size_t{1});
  if (whole.ok() != pieces.ok()) std::abort();
  if (!whole.ok() && !(absl::IsDataLoss(whole.status()) && absl::IsDataLoss(pieces.status()))) std::abort();
  if (whole.ok() && (*whole != *pieces || static_cast<std::int64_t>(whole->size()) != blob_size)) std::abort();
  return 0;
}
