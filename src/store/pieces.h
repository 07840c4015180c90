#ifndef SMELT_STORE_PIECES_H_
#define SMELT_STORE_PIECES_H_

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "src/base/status_macros.h"
#include "src/store/bytes.h"

namespace smelt {

// Hands the bytes [begin, end) of `bytes` to `take`, in order and in pieces of at most 256 KiB, until that returns an
// error; returns it, or that of reading. `take` is called with a std::string_view and returns an absl::Status.
template <typename Take>
absl::Status ForEachPiece(const Bytes& bytes, std::int64_t begin, std::int64_t end, const Take& take) {
  constexpr std::int64_t kPieceBytes = 256 << 10;
  for (std::int64_t at = begin; at < end; at += kPieceBytes) {
    ASSIGN_OR_RETURN(const std::string piece, bytes.Read(at, std::min(kPieceBytes, end - at)));
    RETURN_IF_ERROR(take(piece));
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
