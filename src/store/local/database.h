#ifndef SMELT_STORE_LOCAL_DATABASE_H_
#define SMELT_STORE_LOCAL_DATABASE_H_

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/store/local/deferred_sync.h"

namespace smelt {

// RocksDB as the local store uses it: a few column families, small footprint, writes that survive the process (not the
// machine: they are in the log, which the kernel holds). Thread-safe.
//
// Corruption never breaks anything: a database that cannot be opened is put aside as "<directory>.broken-<time>" and an
// empty one begun; corruption found later reads as absent, and the database is put aside when it is next opened (until
// then writes may fail).
class Database {
 public:
  enum class Family {
    kBlobs,    // small blobs, by digest
    kActions,  // results, by the digest of the action
    kFiles,    // FileRecords of the other blobs, by digest
    kUses,     // one entry a blob, by digest
    kTables,   // "<table>\0<key>"
  };
  static constexpr int kFamilies = 5;

  // Several changes that happen together or not at all.
  class Batch {
   public:
    explicit Batch(Database& database) : database_(database) {}
    void Put(Family family, std::string_view key, std::string_view value);
    void Delete(Family family, std::string_view key);
    bool empty() const { return batch_.Count() == 0; }

   private:
    friend class Database;
    Database& database_;
    rocksdb::WriteBatch batch_;
  };

  // PERMISSION_DENIED where it cannot be written, RESOURCE_EXHAUSTED where the disk is full.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& directory, FileSystem& files, Clock& clock);
  ~Database();

  // Makes what opening wrote survive the machine. To be called once, soon after Open, where nobody waits.
  void SyncOpening() { synced_files_->SyncDeferred(); }

  // Moves what is in memory to tables, so that the next start has no log to read. Does nothing if nothing was written
  // since the last time.
  absl::Status FlushMemtables();

  // Writes since it was opened.
  std::uint64_t writes() const { return writes_; }

  // Nothing if it is absent (or corrupt).
  absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key);

  absl::Status Write(Batch& batch);
  absl::Status Put(Family family, std::string_view key, std::string_view value);
  absl::Status Delete(Family family, std::string_view key);

  // The state as of now, to be scanned later while others write.
  class Snapshot {
   public:
    explicit Snapshot(Database& database) : db_(*database.db_), snapshot_(db_.GetSnapshot()) {}
    ~Snapshot() { db_.ReleaseSnapshot(snapshot_); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

   private:
    friend class Database;
    rocksdb::DB& db_;
    const rocksdb::Snapshot* snapshot_;
  };

  // Entries whose keys begin with `prefix`, in key order, until `visit` returns false; as of `snapshot`, or now.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  absl::Status ForEach(Family family, std::string_view prefix, const Visit& visit, const Snapshot* snapshot = nullptr);

 private:
  Database(std::string directory, FileSystem& files) : directory_(std::move(directory)), files_(files) {}
  rocksdb::Status TryOpen();
  absl::Status Translate(const rocksdb::Status& status);
  void NoteCorruption(const rocksdb::Status& status);
  rocksdb::ColumnFamilyHandle* Handle(Family family) const { return handles_[static_cast<std::size_t>(family)]; }

  // Constant after Open.
  const std::string directory_;
  FileSystem& files_;
  const std::shared_ptr<DeferredSyncFileSystem> synced_files_ =
      std::make_shared<DeferredSyncFileSystem>(rocksdb::FileSystem::Default());
  const std::unique_ptr<rocksdb::Env> env_ = rocksdb::NewCompositeEnv(synced_files_);
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;

  std::mutex recovery_mu_;  // held while a failed write is recovered from
  std::atomic<bool> corruption_noted_ = false;
  std::atomic<std::uint64_t> writes_ = 0;
  std::atomic<std::uint64_t> flushed_writes_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_DATABASE_H_
