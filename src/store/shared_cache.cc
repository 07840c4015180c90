#include "src/store/shared_cache.h"

#include <string_view>

#include "src/base/status_macros.h"
#include "src/store/pieces.h"

namespace smelt {

absl::StatusOr<Bytes> SharedCache::GetWith(const Digest& digest, const Insertion& insertion, const Digest&,
                                           const std::string& directory) {
  ASSIGN_OR_RETURN(const Bytes blob, blobs().Get(digest));
  const bool in_memory = blob.size() + insertion.bytes.size() <= Spool::kMemoryBytes;
  Spool spool(directory, in_memory ? Spool::kMemoryBytes : 0, Spool::Digesting::kYes);
  spool.Insert(insertion);
  RETURN_IF_ERROR(ForEachPiece(blob, [&](std::string_view piece) { return spool.Append(piece); }));
  return spool.Finish();
}

}  // namespace smelt
