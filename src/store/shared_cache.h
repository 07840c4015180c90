#ifndef SMELT_STORE_SHARED_CACHE_H_
#define SMELT_STORE_SHARED_CACHE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/action_cache.h"
#include "src/store/blob_store.h"
#include "src/store/spool.h"

namespace smelt {

// How a team's cache is doing, as one daemon sees it.
struct SharedCacheState {
  enum class Link {
    kUntried,  // nobody has asked for anything yet
    kUp,
    kDown,  // calls fail at once for a while; see `problem`
  };

  std::string where;  // "grpcs://cache.example:8980, instance main": for people, without secrets
  Link link = Link::kUntried;
  std::string problem;   // of the last call that failed for a reason that concerns all calls; empty when all is well
  bool writable = true;  // false once it has said that we may only read
  std::int64_t bytes_up = 0, bytes_down = 0;  // of messages and objects as they travelled, compressed
  std::int64_t requests = 0, failures = 0;    // attempts; those that failed, other than NOT_FOUND
};

// What a team shares: blobs and results behind a network, be it a server or a bucket. Nothing is connected before the
// first call. Thread-safe.
//
// Calls return UNAVAILABLE or DEADLINE_EXCEEDED for what may pass, after the retries that pay; UNAUTHENTICATED or
// PERMISSION_DENIED, with what to mend, for credentials. Once it cannot be reached it fails at once for some seconds,
// so that a build without network waits for one connect timeout and not for one per crate.
class SharedCache {
 public:
  virtual ~SharedCache() = default;

  // They live as long as this. What blobs() gives is not verified: the caller's store does that when it is put there.
  virtual BlobStore& blobs() = 0;
  virtual ActionCache& actions() = 0;

  // blobs().Get, with `insertion` in it; a file of `directory` if it is large. Some do that while the blob arrives, and
  // look at their part again if the whole is not what it should be.
  virtual absl::StatusOr<Bytes> GetWith(const Digest& digest, const Insertion& insertion, const Digest& whole,
                                        const std::string& directory);

  // Connects if that has not been done; OK if it can be asked now, and knows all that it has. Blocks for a connect
  // timeout at most, or until a bucket's index has been read.
  virtual absl::Status Reach() = 0;

  // Returns when all that was put before is found by others; at once where each Put sees to that itself.
  virtual absl::Status Flush() { return absl::OkStatus(); }

  virtual SharedCacheState State() = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_SHARED_CACHE_H_
