#ifndef SMELT_STORE_PIECES_H_
#define SMELT_STORE_PIECES_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "src/base/status_macros.h"
#include "src/store/bytes.h"

namespace smelt {

// Hands the bytes [begin, end) of `bytes` to `take`, in order and in pieces of at most 256 KiB, until that returns an
// error; returns it, or that of reading. `take` is called with a std::string_view and returns an absl::Status.
template <typename Take>
absl::Status ForEachPiece(const Bytes& bytes, std::int64_t begin, std::int64_t end, const Take& take) {
  constexpr std::int64_t kPieceBytes = 256 << 10;
  const std::string* memory = bytes.contents();
  end = std::min(end, bytes.size());
  for (std::int64_t at = begin; at < end; at += kPieceBytes) {
    const std::int64_t size = std::min(kPieceBytes, end - at);
    std::string read;
    if (memory == nullptr) {
      ASSIGN_OR_RETURN(read, bytes.Read(at, size));
    }
    RETURN_IF_ERROR(take(memory == nullptr ? read : std::string_view(*memory).substr(at, size)));
  }
  return absl::OkStatus();
}

// All of it.
template <typename Take>
absl::Status ForEachPiece(const Bytes& bytes, const Take& take) {
  return ForEachPiece(bytes, 0, bytes.size(), take);
}

}  // namespace smelt

#endif  // SMELT_STORE_PIECES_H_
