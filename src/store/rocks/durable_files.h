#ifndef SMELT_STORE_ROCKS_DURABLE_FILES_H_
#define SMELT_STORE_ROCKS_DURABLE_FILES_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/file_system.h"
#include "src/digest/digest.h"
#include "src/store/bytes.h"

namespace smelt {

// The blobs that are files: <directory>/files/ab/<hex>, mode 0444, synced with their directories before they are
// acknowledged. Thread-safe, as long as one thread at a time changes a blob's file.
//
// A file is digested once for each state (inode, size, mtime, ctime) in which this object finds it: so when it is first
// read after a start, and whenever somebody changed it; not when it is read again, since digesting takes as long as
// sending (docs/performance.md).
class DurableFiles {
 public:
  DurableFiles(std::string directory, FileSystem& files) : directory_(std::move(directory)), files_(files) {}

  // Makes the directories and empties the staging area. Not thread-safe.
  absl::Status Prepare();

  const std::string& staging_directory() const { return staging_; }

  // A blob on its way in: what it holds has been digested and will not change. Removed when destroyed.
  class Staged {
   public:
    Staged(Staged&&) noexcept;
    Staged& operator=(Staged&&) = delete;
    ~Staged();

   private:
    friend class DurableFiles;
    Staged(FileSystem& files, std::string path, Bytes bytes)
        : files_(&files), path_(std::move(path)), bytes_(std::move(bytes)) {}
    FileSystem* files_;
    std::string path_;  // empty for an unnamed file
    Bytes bytes_;       // held for its descriptor
  };

  // An unnamed file of the staging area as it is, anything else copied. INVALID_ARGUMENT if it is not `digest`'s.
  absl::StatusOr<Staged> Stage(const Digest& digest, const Bytes& bytes);

  // Makes it the blob's file, on the disk for good when this returns OK.
  absl::Status Commit(const Digest& digest, Staged staged);

  // The blob, known to be right. NOT_FOUND if there is no file, DATA_LOSS if it is something else.
  absl::StatusOr<Bytes> Open(const Digest& digest);

  // There is a file of the blob's size.
  bool IsThere(const Digest& digest);

  // OK if there is none.
  absl::Status Remove(const Digest& digest);

  // Every file of ours in one of the kShards directories, or in all of them. What has no blob's name is removed.
  static constexpr unsigned kShards = 256;
  using Visit = std::function<absl::Status(const Digest& digest)>;
  absl::Status ForEachIn(unsigned shard, const Visit& visit);
  absl::Status ForEach(const Visit& visit);

 private:
  struct State {
    std::uint64_t inode = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  static State StateOf(const FileStat& stat) { return {stat.inode, stat.mtime_ns, stat.ctime_ns}; }

  std::string ShardOf(const Digest& digest) const;
  std::string PathOf(const Digest& digest) const;
  absl::StatusOr<Staged> Copy(const Bytes& bytes);
  absl::Status Name(const Staged& staged, const std::string& path);
  void NoteRight(const Digest& digest, const State& state);
  bool IsKnownRight(const Digest& digest, const State& state);

  const std::string directory_;
  const std::string staging_ = directory_ + "/staging";
  FileSystem& files_;
  std::uint64_t device_ = 0;  // constant after Prepare
  std::atomic<std::uint64_t> staged_ = 0;

  std::mutex mu_;
  absl::flat_hash_map<Digest, State> right_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_DURABLE_FILES_H_
