#ifndef SMELT_STORE_MEMORY_ONE_BLOB_STORE_H_
#define SMELT_STORE_MEMORY_ONE_BLOB_STORE_H_

#include <string>
#include <utility>
#include <vector>

#include "src/store/blob_store.h"

namespace smelt {

// Has the same bytes under every name but that of the empty blob, so that whatever bytes name is there again; takes
// nothing. For fuzzers. Thread-safe.
class OneBlobStore : public BlobStore {
 public:
  explicit OneBlobStore(std::string bytes) : bytes_(std::move(bytes)) {}

  absl::StatusOr<Bytes> Get(const Digest& digest) override { return digest.size == 0 ? Bytes() : bytes_; }
  absl::Status Put(const Digest&, Bytes) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest>) override { return std::vector<Digest>(); }

 private:
  const Bytes bytes_;
};

}  // namespace smelt

#endif  // SMELT_STORE_MEMORY_ONE_BLOB_STORE_H_
