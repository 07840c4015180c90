#ifndef SMELT_STORE_BLOB_STORE_H_
#define SMELT_STORE_BLOB_STORE_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "src/digest/digest.h"
#include "src/store/bytes.h"

namespace smelt {

// A content-addressable store: blobs by digest. The interface that everything hangs on; behaviour (verifying,
// metering, read-through, write-back, ...) is added by classes that wrap one BlobStore in another.
//
// Every implementation is thread-safe, blocks, and passes the contract test in blob_store_contract_test.h. The empty
// blob always exists.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  // The blob. NOT_FOUND if it is not here; DATA_LOSS if what is here is not what the digest names (the store has then
  // already forgotten it, so that a Put of the same blob heals it).
  virtual absl::StatusOr<Bytes> Get(const Digest& digest) = 0;

  // Keeps `bytes`. INVALID_ARGUMENT if they do not have this digest. Putting a blob that is already here succeeds, and
  // any number of threads may put the same blob at once. RESOURCE_EXHAUSTED when the disk is full.
  virtual absl::Status Put(const Digest& digest, Bytes bytes) = 0;

  // Those of `digests` that are not here, each once, in the order given. Exact: what is not returned can be read
  // now. Counts as a use of those present, which keeps them from being collected soon.
  virtual absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_BLOB_STORE_H_
