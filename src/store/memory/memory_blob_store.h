#ifndef SMELT_STORE_MEMORY_MEMORY_BLOB_STORE_H_
#define SMELT_STORE_MEMORY_MEMORY_BLOB_STORE_H_

#include <map>
#include <mutex>

#include "src/store/blob_store.h"

namespace smelt {

// Blobs in memory, without limit: for tests. Reads files that are put into it whole.
class MemoryBlobStore : public BlobStore {
 public:
  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override;
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

  // As if the blob had been lost.
  void Forget(const Digest& digest);

  // Keeps bytes that are not what the digest names, as a store does whose disk has gone bad.
  void CorruptForTest(const Digest& digest, Bytes bytes);

 private:
  std::mutex mu_;
  std::map<Digest, Bytes> blobs_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_STORE_MEMORY_MEMORY_BLOB_STORE_H_
