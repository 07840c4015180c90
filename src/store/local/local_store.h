#ifndef SMELT_STORE_LOCAL_LOCAL_STORE_H_
#define SMELT_STORE_LOCAL_LOCAL_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/table.h"
#include "src/digest/digest.h"
#include "src/store/action_cache.h"
#include "src/store/blob_store.h"

namespace smelt {

// The daemon's files: blobs that are taken from target directories and put into others. Always by copy (a reflink where
// the file system can): no file outside shares its inode with a blob, since cargo, strip and linkers change files in
// place. (What is put in place may have a second name in the store's staging area: see LocalStoreOptions::loans.)
class OutputFiles {
 public:
  virtual ~OutputFiles() = default;

  // Takes the file at `path` into the store and returns its digest. It is left as it is. ABORTED if it
  // changed meanwhile.
  virtual absl::StatusOr<Digest> Ingest(const std::string& path) = 0;

  // Puts the blob at `path`, whose directory exists (FAILED_PRECONDITION), in place of what is there: under a temporary
  // name, then renamed, so that no partial file is ever seen. mtime is the kernel's now. The mode is `mode`, whatever
  // this process's umask. NOT_FOUND or DATA_LOSS as BlobStore::Get; RESOURCE_EXHAUSTED when the disk is full (nothing
  // is left behind).
  virtual absl::Status Restore(const Digest& digest, const std::string& path, std::uint32_t mode) = 0;

  // Puts these bytes at `path` in place of what is there: staged and renamed, with mode and mtime, as Restore
  // does. FAILED_PRECONDITION and RESOURCE_EXHAUSTED as Restore. They do not become a blob.
  virtual absl::Status Write(const std::string& path, std::string_view bytes, std::uint32_t mode) = 0;
};

// What is in a store.
struct StoreUsage {
  std::int64_t bytes = 0;
  std::int64_t limit_bytes = 0;
  std::int64_t blobs = 0;
  std::int64_t actions = 0;
  std::int64_t oldest_use_seconds = 0;  // age of what would be evicted next
  std::int64_t corrupt_blobs = 0;       // found and dropped since it was opened
  std::int64_t spare_bytes = 0;         // on disk beyond `bytes`: see LocalStoreOptions::spares
};

struct CollectionReport {
  std::int64_t bytes_before = 0, bytes_after = 0;
  std::int64_t blobs_removed = 0, actions_removed = 0;
};

// How much may be on disk as spares. The defaults are for everybody but tests.
struct SpareLimits {
  std::int64_t bytes_max = 4LL << 30;            // together; nor more than a quarter of LocalStoreOptions::limit_bytes
  std::int64_t blob_bytes_min = 64 << 10;        // smaller blobs have none: copying them takes no longer
  std::int64_t disk_free_bytes_min = 5LL << 30;  // with less room on the disk there are none
  double disk_free_share_min = 0.03;             // nor with less than this share of it
  std::size_t copies_max = 2;                    // made of a blob that was restored more than once; else one
  bool despite_reflinks = false;                 // also where a copy shares its blocks and takes no time
};

struct LocalStoreOptions {
  std::string directory;  // made if absent, mode 0700
  std::int64_t limit_bytes = 20LL << 30;
  double low_watermark = 0.8;                // collection goes down to this share of limit_bytes
  std::int64_t inline_bytes_max = 16 << 10;  // larger blobs are files

  // While the store is idle it copies blobs that were restored or ingested, for the next Restore to take: see
  // Spares. They go first when the store or the disk is full, and when the store is closed. With the blobs they
  // are at most limit_bytes, but for the moment until the store is idle again.
  bool spares = true;
  SpareLimits spare_limits;

  // What Restore puts in place keeps a second name in the staging area and becomes a spare once it has no other: see
  // Loans. With `spares` only.
  bool loans = true;

  // What was put, but not ingested, can be had again from where it came: the first Restore takes the blob's own file,
  // and a few seconds after the last request the store makes itself another. A store that is killed before that does
  // not have the blob. See Handover; with `loans` only.
  bool hand_over = false;
};

// The embedded store: RocksDB for actions, metadata, access times and small blobs; files for the rest. One process at a
// time (RocksDB's lock): FAILED_PRECONDITION, naming the directory, for a second one. All members are thread-safe.
//
// Layout:  <directory>/lock           held while the store is open
//          <directory>/db/            RocksDB; db.broken-<time>/ is the last one that was corrupt and was set aside
//          <directory>/blobs/ab/<hex> one file a blob, mode 0444 (0555 never: modes belong to outputs)
//          <directory>/staging/x/     unique temporary names, and spares; emptied when the store is opened
//
// A blob file whose size, mtime, ctime or inode is not as recorded is digested before it is used; after a reboot
// (another boot id) each file is digested once before it is used, so that what a power cut tore is a miss. kill -9 at
// any point loses at most what was not acknowledged (see also LocalStoreOptions::hand_over).
//
// A database that RocksDB finds corrupt, when it is opened or at any time later, is set aside within seconds and an
// empty one begun while calls wait: blobs that are files stay, all else is a miss. What was set aside counts in the
// size and goes first when the store is full.
class LocalStore {
 public:
  virtual ~LocalStore() = default;

  static absl::StatusOr<std::unique_ptr<LocalStore>> Open(LocalStoreOptions options, FileSystem& files, Clock& clock);

  // Three views of the same store; they live as long as it.
  virtual BlobStore& blobs() = 0;
  virtual ActionCache& actions() = 0;
  virtual OutputFiles& outputs() = 0;

  // A table by name; lives as long as the store. Names: "digests", "toolchains", "units", "counters".
  virtual Table& table(std::string_view name) = 0;

  virtual StoreUsage Usage() = 0;

  // Brings the store under its low watermark if it is above `limit_bytes` (or above `down_to_bytes` when given), least
  // recently used first; what was used within the last hour goes last. Safe during builds. With `dry_run` only reports.
  virtual absl::StatusOr<CollectionReport> Collect(bool dry_run, std::optional<std::int64_t> down_to_bytes) = 0;

  // Does now, in this thread, what an idle store does: makes blobs' files that were handed over, and spares.
  virtual void MakeSparesForTest() = 0;

  // What RocksDB does some day by itself: everything is moved to tables, and they are read and written anew.
  virtual absl::Status CompactForTest() = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_LOCAL_STORE_H_
