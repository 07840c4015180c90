#ifndef SMELT_STORE_LOCAL_BLOB_FILES_H_
#define SMELT_STORE_LOCAL_BLOB_FILES_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/digest/digest.h"
#include "src/store/local/blob_index.h"

namespace smelt {

// The blobs that are files, <directory>/blobs/ab/<hex>, each with a record in the BlobIndex by which a change is
// noticed. Thread-safe: what takes an Entry relies on its lock.
class BlobFiles {
 public:
  BlobFiles(std::string directory, FileSystem& files, Clock& clock)
      : directory_(std::move(directory)), files_(files), clock_(clock) {}

  // Makes the directories and empties the staging area. The database is already ours. Not thread-safe.
  absl::Status Prepare();

  std::string PathOf(const Digest& digest) const;

  // A name in the staging area that nobody else has. Successive names are in directories far from each other.
  std::string StagingPath();

  // The file system of the blobs and of the staging area, as in FileStat.
  std::uint64_t device() const { return device_; }

  // Says that the blob's file is there and holds the blob, having looked at it as closely as its record demands; a file
  // without a record is taken up if it holds the blob. NOT_FOUND if there is none; DATA_LOSS if it was something else:
  // it is gone then. Other errors: cannot tell.
  absl::Status Check(BlobIndex::Entry& entry);

  // Makes the file at `staged` (made by us, never shown to anybody, of mode 0444) the blob's file. Removes it on
  // failure.
  absl::Status Commit(BlobIndex::Entry& entry, const std::string& staged);

  // Gives the blob's file, which was looked at, the name `staged` in the staging area: the blob has none then.
  absl::Status Release(BlobIndex::Entry& entry, const std::string& staged);

  // Removes the blob: its file, then its record.
  absl::Status Drop(BlobIndex::Entry& entry);

  // Removes files under blobs/ that have no record, except those whose entry is locked now. For after a lost database.
  absl::Status RemoveStrays(BlobIndex& index);

  // Blobs dropped because they were not what their digest names.
  std::int64_t corrupt() const { return corrupt_; }
  void CountCorrupt() { ++corrupt_; }

  // What FileSystem::Stat must not have changed in while a file is digested.
  static bool SameContents(const FileStat& a, const FileStat& b) {
    return a.size == b.size && a.mtime_ns == b.mtime_ns && a.inode == b.inode && a.device == b.device;
  }

 private:
  static constexpr std::uint64_t kStagingDirectories = 16;

  std::string StagingDirectory(std::uint64_t number) const;
  absl::Status Empty(const std::string& directory);

  // Renames a staged file to a blob's path, making its directory first if that is what is missing.
  absl::Status MoveIntoShard(const std::string& staged, const std::string& path);
  absl::Status Redigest(BlobIndex::Entry& entry, const FileStat& stat, bool recorded);
  absl::Status DropWrong(BlobIndex::Entry& entry, bool recorded);
  absl::Status RemoveStraysIn(BlobIndex& index, const std::string& shard);

  // Constant after Prepare.
  const std::string directory_;
  FileSystem& files_;
  Clock& clock_;
  std::uint64_t boot_ = 0;
  std::uint64_t device_ = 0;

  std::atomic<std::int64_t> corrupt_ = 0;
  std::atomic<std::uint64_t> staged_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_BLOB_FILES_H_
