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
// Corruption never breaks anything: a database that cannot be opened is set aside (SetAside) and an empty one begun;
// corruption found later reads as absent, and the database is set aside when it is next opened (until then writes may
// fail).
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
    bool empty() const { return batch_.Count() == 0; }
    std::size_t bytes() const { return batch_.GetDataSize(); }

   private:
    friend class StoreDatabase;
    const StoreDatabase* database_;
    rocksdb::WriteBatch batch_;
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

  // Begins anew: what is there is set aside. Only while nobody else uses the database.
  absl::Status BeginAnew(const std::string& why);

 protected:
  StoreDatabase(std::string directory, Setup setup, FileSystem& files, Clock& clock);

  // To be called once, first. PERMISSION_DENIED where it cannot be written, RESOURCE_EXHAUSTED where the disk is full.
  absl::Status Open();

  absl::Status Translate(const rocksdb::Status& status);
  rocksdb::ColumnFamilyHandle* Handle(Family family) const { return handles_[family]; }
  const std::vector<rocksdb::ColumnFamilyHandle*>& handles() const { return handles_; }
  rocksdb::DB& db() const { return *db_; }

 private:
  rocksdb::Status TryOpen();
  void Close();
  bool Recover(std::uint64_t recoveries);
  void NoteCorruption(const rocksdb::Status& status);

  const std::string directory_;
  const Setup setup_;
  SetAside aside_;

  // Constant while others use the database.
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;

  std::mutex recovery_mu_;                     // held while a failed write is recovered from
  std::atomic<std::uint64_t> recoveries_ = 0;  // tried so far; changed with recovery_mu_ held
  bool recovered_ = false;                     // guarded by recovery_mu_; how the last one ended

  std::atomic<bool> corruption_noted_ = false;
};

}  // namespace smelt

#endif  // SMELT_STORE_DATABASE_STORE_DATABASE_H_
