#ifndef SMELT_STORE_DATABASE_STORE_DATABASE_H_
#define SMELT_STORE_DATABASE_STORE_DATABASE_H_

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
#include "src/store/database/set_aside.h"

namespace smelt {

// RocksDB as our stores use it: what the stores differ in is a Setup and the names of the column families. Thread-safe;
// blocks.
//
// Nothing breaks it for long. A database that cannot be opened is set aside (SetAside) and an empty one begun.
// Corruption that is met later, by a read, a scan or RocksDB's own compactions, reads as absent; it, and an error after
// which RocksDB takes no writes, makes the database `broken`: whoever uses it sees that nobody does, and calls Mend.
class StoreDatabase {
 public:
  using Family = std::size_t;  // by its place in Setup::families

  struct Setup {
    rocksdb::DBOptions options;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    std::shared_ptr<rocksdb::Env> env;     // in place of the usual one
    std::size_t scan_readahead_bytes = 0;  // of ForEach
    std::string consequence;               // said in the log when the database was set aside
  };

  // Several changes that happen together or not at all.
  class Batch {
   public:
    explicit Batch(const StoreDatabase& database) : database_(&database) {}
    void Put(Family family, std::string_view key, std::string_view value);
    void Delete(Family family, std::string_view key);
    bool empty() const { return batch_.Count() == 0 && !incomplete_; }
    std::size_t bytes() const { return batch_.GetDataSize(); }

   private:
    friend class StoreDatabase;
    const StoreDatabase* database_;
    rocksdb::WriteBatch batch_;
    bool incomplete_ = false;  // something came while the database was closed: Write fails
  };

  // Whether a write must survive the machine or only the process.
  enum class Durability { kMachine, kProcess };

  virtual ~StoreDatabase();

  // Nothing if it is absent (or corrupt).
  absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key);

  // Writers that wait at the same time share one sync. RESOURCE_EXHAUSTED when the disk is full; the next write after
  // there is room succeeds.
  absl::Status Write(Batch& batch, Durability durability);

  // The state as of now, to be scanned later while others write.
  class Snapshot {
   public:
    explicit Snapshot(StoreDatabase& database) : db_(*database.db_), snapshot_(db_.GetSnapshot()) {}
    ~Snapshot() { db_.ReleaseSnapshot(snapshot_); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;

   private:
    friend class StoreDatabase;
    rocksdb::DB& db_;
    const rocksdb::Snapshot* snapshot_;
  };

  // Entries with `from` <= key < `to` (no end if that is empty), in key order, until `visit` returns false; as of
  // `snapshot`, or now. DATA_LOSS where they cannot be read.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  absl::Status ForEach(Family family, std::string_view from, std::string_view to, const Visit& visit,
                       const Snapshot* snapshot = nullptr);

  // Moves what is in memory to tables.
  absl::Status FlushMemtables();

  // Gives the room of what was deleted or replaced in this family back to the disk.
  absl::Status Compact(Family family);

  // Moves everything to tables, and reads and writes them all anew.
  absl::Status CompactAllForTest();

  // From now on reads miss, scans and writes fail, until it is mended.
  bool broken() const { return corrupt_ || stuck_; }

  // Opens it again; what is corrupt is set aside and an empty one begun. True if that had to be. Errors as Open's: it
  // is broken still, and what the others do with it is UNAVAILABLE. Only while nobody else uses the database, and no
  // Snapshot is left.
  absl::StatusOr<bool> Mend();

  // The database that was set aside last.
  SetAside& aside() { return aside_; }

 protected:
  StoreDatabase(std::string directory, Setup setup, FileSystem& files, Clock& clock);

  // To be called once, first. PERMISSION_DENIED where it cannot be written, RESOURCE_EXHAUSTED where the disk is full.
  absl::Status Open();

 private:
  class Listener;

  rocksdb::Status TryOpen();
  rocksdb::Status OpenOrBeginAnew();
  absl::Status MoveAside();
  void Close();
  bool Recover(std::uint64_t recoveries);
  void Condemn(const std::string& why);
  absl::Status Translate(const rocksdb::Status& status);
  absl::Status Closed() const;
  rocksdb::ColumnFamilyHandle* Handle(Family family) const { return handles_[family]; }

  const std::string directory_;
  const Setup setup_;
  SetAside aside_;

  // Constant while others use the database. None between a Mend that failed and one that does not.
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  bool begun_anew_ = false;  // since Mend said so

  std::mutex recovery_mu_;                     // held while a failed write is recovered from
  std::atomic<std::uint64_t> recoveries_ = 0;  // tried so far; changed with recovery_mu_ held
  bool recovered_ = false;                     // guarded by recovery_mu_; how the last one ended

  std::atomic<bool> corrupt_ = false;  // it must be set aside
  std::atomic<bool> stuck_ = false;    // it must be opened again
};

}  // namespace smelt

#endif  // SMELT_STORE_DATABASE_STORE_DATABASE_H_
