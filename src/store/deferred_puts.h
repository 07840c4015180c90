#ifndef SMELT_STORE_DEFERRED_PUTS_H_
#define SMELT_STORE_DEFERRED_PUTS_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "src/digest/digest.h"
#include "src/store/action_cache.h"
#include "src/store/bytes.h"

namespace smelt {

// Puts into a store that answers when the disk has them, without a thread that waits: for a server whose writers are
// more than its threads. Thread-safe.
class DeferredPuts {
 public:
  // Called once, on the thread that put or on one of the store's, which it must not block.
  using Done = std::function<void(absl::Status)>;

  virtual ~DeferredPuts() = default;

  // Larger blobs are for BlobStore::Put.
  virtual std::int64_t blob_bytes_max() const = 0;

  // As BlobStore::Put. Digests `bytes`, which are in memory, and returns; UNAVAILABLE when too much waits.
  virtual void PutBlob(const Digest& digest, Bytes bytes, Done done) = 0;

  // As ActionCache::Put of the instance's cache.
  virtual void PutResult(std::string_view instance, const Digest& action, const ActionCache::ActionResult& result,
                         Done done) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_DEFERRED_PUTS_H_
