#ifndef SMELT_STORE_PACKED_BLOBS_H_
#define SMELT_STORE_PACKED_BLOBS_H_

#include "absl/status/statusor.h"
#include "src/digest/digest.h"
#include "src/store/bytes.h"

namespace smelt {

// Blobs in the form that a far store has them in. Thread-safe; blocks.
class PackedBlobs {
 public:
  virtual ~PackedBlobs() = default;

  // The zstd frames of a large blob. Nobody has unpacked them: they may be cut, or those of another blob. NOT_FOUND for
  // a blob that is not there, or not in this form.
  virtual absl::StatusOr<Bytes> GetPacked(const Digest& digest) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_PACKED_BLOBS_H_
