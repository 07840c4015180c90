#ifndef SMELT_STORE_LOCAL_LOCAL_BLOB_STORE_H_
#define SMELT_STORE_LOCAL_LOCAL_BLOB_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "src/base/file_system.h"
#include "src/store/blob_store.h"
#include "src/store/local/blob_files.h"
#include "src/store/local/blob_index.h"
#include "src/store/local/handover.h"
#include "src/store/local/spares.h"

namespace smelt {

// The local store's blobs: small ones inside the database, digested on every read; larger ones as files, digested when
// they look changed.
class LocalBlobStore : public BlobStore {
 public:
  LocalBlobStore(BlobIndex& index, BlobFiles& blob_files, Spares& spares, Handover& handover, FileSystem& files,
                 const LocalStoreOptions& options)
      : index_(index),
        blob_files_(blob_files),
        spares_(spares),
        handover_(handover),
        files_(files),
        inline_bytes_max_(options.inline_bytes_max),
        hand_over_(options.hand_over) {}

  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override;
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

  bool IsInline(std::int64_t size) const { return size <= inline_bytes_max_; }

  // The bytes of a blob that is inside the database, verified. NOT_FOUND if it is not inside; DATA_LOSS as Get.
  absl::StatusOr<std::string> GetInline(const Digest& digest);

  // Keeps bytes that are known to have this digest inside the database.
  absl::Status PutInline(const Digest& digest, std::string_view bytes);

  // Makes a file from the staging area, known to have this digest, the blob's, unless it is here already.
  absl::Status CommitStaged(const Digest& digest, const std::string& staged);

 private:
  absl::StatusOr<UniqueFd> OpenFile(const Digest& digest);
  bool HasFile(const Digest& digest);
  absl::Status PutNow(const Digest& digest, const Bytes& bytes);
  absl::Status PutFile(const Digest& digest, const Bytes& bytes);
  absl::Status Stage(const Digest& digest, const Bytes& bytes, const std::string& path);
  absl::Status CheckPresent(const Digest& digest);

  BlobIndex& index_;
  BlobFiles& blob_files_;
  Spares& spares_;
  Handover& handover_;
  FileSystem& files_;
  const std::int64_t inline_bytes_max_;
  const bool hand_over_;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_LOCAL_BLOB_STORE_H_
