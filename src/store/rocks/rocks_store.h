#ifndef SMELT_STORE_ROCKS_ROCKS_STORE_H_
#define SMELT_STORE_ROCKS_ROCKS_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/store/action_caches.h"
#include "src/store/blob_store.h"
#include "src/store/complete_results.h"
#include "src/store/deferred_puts.h"
#include "src/store/outbox.h"

namespace smelt {

struct RocksStoreOptions {
  std::string directory;  // made if absent, mode 0700
  std::int64_t limit_bytes = 100LL << 30;
  double high_watermark = 0.9;  // shares of limit_bytes: collection begins above the one and ends at the other
  double low_watermark = 0.8;
  std::int64_t free_bytes_min = 5LL << 30;  // collection also begins when the disk has less room than this
  std::int64_t lease_seconds = 3 * 3600;    // how long what was uploaded, found or hit is not evicted
  std::int64_t lsm_bytes_max = 4 << 10;  // smaller blobs are values in the LSM tree; docs/performance.md has the sweep
  std::int64_t blob_bytes_max = 256 << 10;  // up to here BlobDB, beyond it a file each
  bool outbox = false;                      // keep an Outbox: there is a bucket behind this store
  bool catch_up = true;                     // by itself, behind calls; else RocksStore::CatchUp does
};

// The server's store: blobs and results on RocksDB and files. One process at a time (RocksDB's lock):
// FAILED_PRECONDITION, naming the directory, for a second one. All members are thread-safe.
//
// What was acknowledged survives kill -9 and the power: index entry, lease and outbox row are one batch, synced, and
// many writers share one sync. Corruption is found when it is read (each value and file against its digest, each result
// against its checksum), and is then a miss that a new upload heals. A database that RocksDB finds corrupt, when it is
// opened or at any time later, is set aside within a second, and an empty one begun while calls wait: large blobs,
// which are files, stay; all else is a miss. What was set aside counts in the size and goes first when room is short.
//
// Layout:  <directory>/lock            held while the store is open
//          <directory>/db/             RocksDB; db.broken-<time>/ is the last one that was set aside
//          <directory>/files/ab/<hex>  one file a large blob, mode 0444
//          <directory>/staging/        for uploads; emptied when the store is opened
//
// A use (an upload, a Get, being found by FindMissing, a hit) is a lease. Leases survive a restart, and last up to an
// hour longer then; after a power cut everything counts as used when the store is opened. Files are digested when they
// are first read after a start and whenever their stat has changed, so that the first read of a large blob takes
// longer.
//
// Presence is in memory, some 80 bytes a blob (docs/performance.md). It is read in 4096 parts, behind the calls that
// come after Open; a call that needs a part reads it first, and answers as ever. Collection needs all of it. Until it
// is read (CatchUp), what Usage counts is less than what is there, and somewhat more than the limit may come in.
class RocksStore {
 public:
  struct Usage {
    std::int64_t bytes = 0, limit_bytes = 0;  // of blobs and results as they were put, not of the disk
    std::int64_t blobs = 0, actions = 0;
    std::int64_t leased_bytes = 0;
    std::int64_t oldest_use_seconds = 0;         // age of the next victim
    std::int64_t evicted_last_idle_seconds = 0;  // how long the last victim had not been used; 0 before the first
    std::int64_t corrupt_blobs = 0;              // found and dropped since it was opened
    bool read_only = false;                      // the disk is full, or leases fill the cache
    bool counted = false;                        // all of it: see CatchUp
  };
  struct CollectionReport {
    std::int64_t bytes_before = 0, bytes_after = 0;
    std::int64_t blobs_removed = 0, actions_removed = 0;
  };

  virtual ~RocksStore() = default;

  static absl::StatusOr<std::unique_ptr<RocksStore>> Open(RocksStoreOptions options, FileSystem& files, Clock& clock);

  // Views of the same store; they live as long as it. Put of a Bytes that is an unnamed file (O_TMPFILE) in
  // staging_directory() gives the file a name instead of copying it.
  virtual BlobStore& blobs() = 0;
  virtual ActionCaches& actions() = 0;
  virtual BlobStore& fetched_blobs() = 0;  // these two for what came from the bucket: Put leaves the outbox alone
  virtual ActionCaches& fetched_actions() = 0;
  virtual DeferredPuts& deferred_puts() = 0;
  virtual CompleteResults& complete_results() = 0;
  virtual Outbox* outbox() = 0;  // null without RocksStoreOptions::outbox
  virtual const std::string& staging_directory() const = 0;

  virtual Usage GetUsage() = 0;

  // Does what opening has left for later, or waits for it.
  virtual absl::Status CatchUp() = 0;

  // Evicts down to the low watermark (or to `down_to_bytes`): results whose time has come first, then blobs, least
  // recently used first; never what is leased or still in the outbox. Of those used in the same second, any. Safe
  // during builds, idempotent. With `dry_run` only reports. The store does the same by itself above the high watermark.
  virtual absl::StatusOr<CollectionReport> Collect(bool dry_run, std::optional<std::int64_t> down_to_bytes) = 0;

  // What RocksDB does some day by itself: everything is moved to tables, and they are read and written anew.
  virtual absl::Status CompactForTest() = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_STORE_H_
