#ifndef SMELT_STORE_LOCAL_DATABASE_H_
#define SMELT_STORE_LOCAL_DATABASE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/store/database/store_database.h"
#include "src/store/local/deferred_sync.h"

namespace smelt {

// The local store's database: small footprint, writes that survive the process (not the machine: they are in the log,
// which the kernel holds).
class Database : public StoreDatabase {
 public:
  enum Family : StoreDatabase::Family {
    kBlobs,    // small blobs, by digest
    kActions,  // results, by the digest of the action
    kFiles,    // FileRecords of the other blobs, by digest
    kUses,     // one entry a blob, by digest
    kTables,   // "<table>\0<key>"
  };

  // PERMISSION_DENIED where it cannot be written, RESOURCE_EXHAUSTED where the disk is full.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& directory, FileSystem& files, Clock& clock);

  // Makes what opening wrote survive the machine. To be called once, soon after Open, where nobody waits.
  void SyncOpening() { synced_files_->SyncDeferred(); }

  // Moves what is in memory to tables, so that the next start has no log to read. Does nothing if nothing was written
  // since the last time.
  absl::Status FlushMemtables();

  // Writes since it was opened.
  std::uint64_t writes() const { return writes_; }

  absl::Status Write(Batch& batch);
  absl::Status Put(Family family, std::string_view key, std::string_view value);
  absl::Status Delete(Family family, std::string_view key);

  // Entries whose keys begin with `prefix`, in key order, until `visit` returns false; as of `snapshot`, or now.
  absl::Status ForEach(Family family, std::string_view prefix, const Visit& visit, const Snapshot* snapshot = nullptr);

 private:
  Database(const std::string& directory, const std::shared_ptr<DeferredSyncFileSystem>& synced_files, FileSystem& files,
           Clock& clock);

  const std::shared_ptr<DeferredSyncFileSystem> synced_files_;
  std::atomic<std::uint64_t> writes_ = 0;
  std::atomic<std::uint64_t> flushed_writes_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_DATABASE_H_
