#ifndef SMELT_DIGEST_FILE_DIGESTS_H_
#define SMELT_DIGEST_FILE_DIGESTS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/table.h"
#include "src/digest/digest.h"

namespace smelt {

// A file at one moment: what it was, and what it held.
struct FileDigest {
  FileStat stat;
  Digest digest;
};

// The digests of files, remembered by path and stat, so that a file is read once and then only stat'ed. Survives
// restarts in a Table.
//
// An entry is believed while device, inode, size, mtime and ctime are what they were. Two refinements:
//  - The racy-timestamp rule: a file that had been changed within kRacyNanos of being digested may change again without
//    its times moving, so its entry is not remembered. Where a ctime is a whole second the file system may keep no
//    smaller times (or those of a server), and kCoarseRacyNanos is the limit.
//  - A file that we put there (see Restored) changes its ctime when cargo links it to another place, from deps/ to
//  above
//    it, or removes that link; while size, mtime and inode stay, and it has more links than we gave it, or had when it
//    was last looked at, it is believed.
//
// Thread-safe. Memory: about 200 bytes an entry, kEntriesMax entries.
class FileDigests {
 public:
  // Two ticks of the coarsest kernel clock (CONFIG_HZ=100).
  static constexpr std::int64_t kRacyNanos = 20'000'000;
  static constexpr std::int64_t kCoarseRacyNanos = 2'000'000'000;  // FAT's
  static constexpr std::size_t kEntriesMax = 1 << 20;

  // All three must outlive this object.
  FileDigests(FileSystem& files, Clock& clock, Table& table);

  // What the regular file at `path` holds now. NOT_FOUND if there is nothing, FAILED_PRECONDITION if it is not a
  // regular file, ABORTED if it keeps changing while it is read.
  absl::StatusOr<FileDigest> Of(const std::string& path);

  // The same for a file whose stat the caller has just taken.
  absl::StatusOr<FileDigest> Of(const std::string& path, const FileStat& stat);

  // What is remembered for `path` and still holds for `stat`; reads nothing.
  std::optional<Digest> Remembered(const std::string& path, const FileStat& stat);

  // True if `path` still is what the last Restored for it put there.
  bool IsRestored(const std::string& path, const FileStat& stat);

  // True if `path` is, to the last change of its inode, what the last Restored for it put there, with this digest and
  // these permission bits: it need not be put there again.
  bool IsInPlace(const std::string& path, const Digest& digest, std::uint32_t mode);

  // Tells that we have just put a file with this digest at `path`: nobody else writes there between then and now, so
  // the racy rule does not apply, and all links that it has are ours. Errors (it is gone already) are ignored.
  void Restored(const std::string& path, const Digest& digest);

  // Tells that the file at `path` has this digest and was made by a compiler, or that it was IsInPlace and is so still.
  // Else as Restored.
  void Left(const std::string& path, const Digest& digest);

  // Forgets what is remembered of files that are gone. Takes one stat for each file; ends early when `stop` says so.
  void Prune(const std::function<bool()>& stop);

  // How long ago a file with this stat must have been changed for its times to tell a further change.
  static std::int64_t RacyNanos(const FileStat& stat);

 private:
  struct Entry {
    FileStat stat;
    Digest digest;
    bool ours = false;            // put there by us
    std::uint32_t our_links = 1;  // that it has of us: its path, and perhaps a name in the store
  };
  struct Shard {
    absl::Mutex mu;
    std::unordered_map<std::string, Entry> entries ABSL_GUARDED_BY(mu);
  };
  static constexpr int kShards = 16;

  static bool Holds(const Entry& entry, const FileStat& stat);
  Shard& ShardOf(const std::string& path);
  std::uint32_t OurLinks(const std::string& path, const FileStat& stat);
  void Remember(const std::string& path, const Entry& entry);
  static void MakeRoom(Shard& shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu);

  FileSystem& files_;
  Clock& clock_;
  Table& table_;
  std::array<Shard, kShards> shards_;
};

}  // namespace smelt

#endif  // SMELT_DIGEST_FILE_DIGESTS_H_
