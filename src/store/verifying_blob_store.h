#ifndef SMELT_STORE_VERIFYING_BLOB_STORE_H_
#define SMELT_STORE_VERIFYING_BLOB_STORE_H_

#include "src/store/blob_store.h"

namespace smelt {

// For a store that takes bytes at their word, such as one across a network: digests every blob on its way in
// (INVALID_ARGUMENT, and nothing is put) and on its way out (DATA_LOSS). Each Get and Put reads the blob once more.
//
// A bad blob stays in `target` until somebody puts the good one, which always reaches `target`. `target` lives longer
// than this.
class VerifyingBlobStore : public BlobStore {
 public:
  explicit VerifyingBlobStore(BlobStore& target) : target_(target) {}

  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override;
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

 private:
  BlobStore& target_;
};

}  // namespace smelt

#endif  // SMELT_STORE_VERIFYING_BLOB_STORE_H_
