#ifndef SMELT_STORE_LOCAL_LOCAL_OUTPUT_FILES_H_
#define SMELT_STORE_LOCAL_LOCAL_OUTPUT_FILES_H_

#include <atomic>
#include <functional>
#include <string>

#include "src/base/file_system.h"
#include "src/store/gate.h"
#include "src/store/local/blob_files.h"
#include "src/store/local/blob_index.h"
#include "src/store/local/handover.h"
#include "src/store/local/local_blob_store.h"
#include "src/store/local/local_store.h"
#include "src/store/local/spares.h"

namespace smelt {

// Files in and out of the local store. See OutputFiles.
class LocalOutputFiles : public OutputFiles {
 public:
  LocalOutputFiles(BlobIndex& index, BlobFiles& blob_files, Spares& spares, Handover& handover, LocalBlobStore& blobs,
                   FileSystem& files, Gate& gate)
      : index_(index),
        blob_files_(blob_files),
        spares_(spares),
        handover_(handover),
        blobs_(blobs),
        files_(files),
        gate_(gate) {}

  absl::StatusOr<Digest> Ingest(const std::string& path) override;
  absl::Status Restore(const Digest& digest, const std::string& path, std::uint32_t mode) override;
  absl::Status Write(const std::string& path, std::string_view bytes, std::uint32_t mode) override;

 private:
  absl::StatusOr<Digest> IngestNow(const std::string& path);
  absl::StatusOr<Digest> IngestInline(const std::string& path, const FileStat& before);
  absl::StatusOr<Digest> IngestCopy(const std::string& path, const FileStat& before);
  absl::Status CheckUnchanged(const std::string& path, const FileStat& before);

  absl::Status RestoreNow(const Digest& digest, const std::string& path, std::uint32_t mode);
  absl::Status RestoreFile(const Digest& digest, const std::string& path, std::uint32_t mode);
  absl::Status LookAt(const Digest& digest);
  absl::Status RestoreCopy(const Digest& digest, const std::string& path, std::uint32_t mode, bool lend);

  // Whether files can be renamed from the staging area to `path`. FAILED_PRECONDITION without a directory.
  absl::StatusOr<bool> StagingReaches(const std::string& path);

  // Puts a file that `make` makes, under the temporary name that it is given, in the place of `path`. Nothing is left
  // behind on failure. No templates: kill points inside them would be in no list.
  using Make = std::function<absl::Status(const std::string& to)>;
  absl::Status Replace(const std::string& path, const Make& make);
  absl::Status ReplaceBy(const std::string& temporary, const std::string& path, const Make& make);

  // A name in the directory of `path` that nobody else has.
  std::string TemporaryBeside(const std::string& path);

  BlobIndex& index_;
  BlobFiles& blob_files_;
  Spares& spares_;
  Handover& handover_;
  LocalBlobStore& blobs_;
  FileSystem& files_;
  Gate& gate_;
  std::atomic<std::uint64_t> temporaries_ = 0;
  // Files can be renamed from the staging area to where they are restored. False once that has failed: other mounts.
  std::atomic<bool> staging_reaches_ = true;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_LOCAL_OUTPUT_FILES_H_
