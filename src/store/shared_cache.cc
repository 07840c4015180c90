#include "src/store/shared_cache.h"

#include <algorithm>

#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::int64_t kPieceBytes = 256 << 10;

}  // namespace

absl::StatusOr<Bytes> SharedCache::GetWith(const Digest& digest, const Insertion& insertion,
                                           const std::string& directory) {
  ASSIGN_OR_RETURN(const Bytes blob, blobs().Get(digest));
  const bool in_memory = blob.size() + insertion.bytes.size() <= Spool::kMemoryBytes;
  Spool spool(directory, in_memory ? Spool::kMemoryBytes : 0, Spool::Digesting::kYes);
  spool.Insert(insertion);
  for (std::int64_t at = 0; at < blob.size(); at += kPieceBytes) {
    ASSIGN_OR_RETURN(const std::string piece, blob.Read(at, kPieceBytes));
    RETURN_IF_ERROR(spool.Append(piece));
  }
  return spool.Finish();
}

}  // namespace smelt
