#ifndef SMELT_STORE_ROCKS_ROCKS_DATABASE_H_
#define SMELT_STORE_ROCKS_ROCKS_DATABASE_H_

#include <rocksdb/db.h>
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

namespace smelt {

// RocksDB as the server's store uses it. Thread-safe; blocks.
//
// Corruption never breaks anything: a database that cannot be opened or whose rows cannot be read is put aside as
// "<directory>.broken-<time>" and an empty one begun; corruption found later reads as absent, and the database is put
// aside when it is next opened.
class RocksDatabase {
 public:
  enum class Family {
    kMeta,        // facts about the store itself
    kBlobRows,    // a Row a blob, by digest
    kTreeBlobs,   // bytes of small blobs, by digest
    kBlobDb,      // bytes of middling blobs, in blob files, by digest
    kActionRows,  // a Row a result, by ActionKey
    kActions,     // sealed results, by ActionKey
    kOutbox,      // OutboxRows by sequence
  };
  static constexpr int kFamilies = 7;

  // Several changes that happen together or not at all.
  class Batch {
   public:
    explicit Batch(const RocksDatabase& database) : database_(&database) {}
    void Put(Family family, std::string_view key, std::string_view value);
    void Delete(Family family, std::string_view key);
    bool empty() const { return batch_.Count() == 0; }
    std::size_t bytes() const { return batch_.GetDataSize(); }

   private:
    friend class RocksDatabase;
    const RocksDatabase* database_;
    rocksdb::WriteBatch batch_;
  };

  // Whether a write must survive the machine or only the process.
  enum class Durability { kMachine, kProcess };

  // PERMISSION_DENIED where it cannot be written, RESOURCE_EXHAUSTED where the disk is full.
  static absl::StatusOr<std::unique_ptr<RocksDatabase>> Open(const std::string& directory, FileSystem& files,
                                                             Clock& clock);
  ~RocksDatabase();

  // Begins anew: what is there is put aside. Only while nobody else uses the database.
  absl::Status PutAside(const std::string& why);

  // Nothing if it is absent (or corrupt).
  absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key);

  // Writers that wait at the same time share one sync. RESOURCE_EXHAUSTED when the disk is full; the next write after
  // there is room succeeds.
  absl::Status Write(Batch& batch, Durability durability);

  // Entries with `from` <= key < `to` (no end if that is empty), in key order, until `visit` returns false. DATA_LOSS
  // where they cannot be read.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  absl::Status ForEach(Family family, std::string_view from, std::string_view to, const Visit& visit);

  // The last key of a family.
  absl::StatusOr<std::optional<std::string>> LastKey(Family family);

  // After many deletions: gives the room of deleted blobs back to the disk.
  absl::Status Compact();

  // Moves what is in memory to tables, for tests and benchmarks.
  absl::Status FlushMemtables();

  // Bytes on disk of tables and blob files, without the log.
  std::int64_t DiskBytes();

 private:
  RocksDatabase(std::string directory, FileSystem& files, Clock& clock)
      : directory_(std::move(directory)), files_(files), clock_(clock) {}
  rocksdb::Status TryOpen();
  void Close();
  bool Recover();
  absl::Status Translate(const rocksdb::Status& status);
  void NoteCorruption(const rocksdb::Status& status);
  rocksdb::ColumnFamilyHandle* Handle(Family family) const { return handles_[static_cast<std::size_t>(family)]; }

  const std::string directory_;
  FileSystem& files_;
  Clock& clock_;

  // Constant while others use the database.
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;

  std::mutex recovery_mu_;  // held while a failed write is recovered from
  std::atomic<bool> corruption_noted_ = false;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_DATABASE_H_
