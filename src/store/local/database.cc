#include "src/store/local/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::size_t kBlockCacheBytes = 32 << 20;
constexpr std::size_t kMemtablesBytesMax = 32 << 20;  // of all families together
constexpr std::size_t kBlobMemtableBytes = 16 << 20;
constexpr std::size_t kMemtableBytes = 4 << 20;
// What must be read again at the next start after a kill.
constexpr std::uint64_t kLogBytesMax = 16 << 20;
constexpr int kOpenFilesMax = 256;

rocksdb::ColumnFamilyOptions FamilyOptions(std::size_t memtable_bytes) {
  static const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = memtable_bytes;
  options.arena_block_size = 256 << 10;
  options.compression = rocksdb::kNoCompression;
  return options;
}

rocksdb::DBOptions DatabaseOptions() {
  rocksdb::DBOptions options;
  options.max_background_jobs = 2;
  options.max_open_files = kOpenFilesMax;
  options.max_file_opening_threads = 1;
  options.db_write_buffer_size = kMemtablesBytesMax;
  options.max_total_wal_size = kLogBytesMax;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  return options;
}

// In the order of Database::Family.
std::vector<rocksdb::ColumnFamilyDescriptor> Families() {
  return {{rocksdb::kDefaultColumnFamilyName, FamilyOptions(kBlobMemtableBytes)},
          {"actions", FamilyOptions(kMemtableBytes)},
          {"files", FamilyOptions(kMemtableBytes)},
          {"uses", FamilyOptions(kMemtableBytes)},
          {"tables", FamilyOptions(kMemtableBytes)}};
}

// The first key after all that begin with `prefix`, whose last byte is not the greatest; none if it is empty.
std::string After(std::string_view prefix) {
  std::string after(prefix);
  if (!after.empty()) ++after.back();
  return after;
}

}  // namespace

Database::Database(const std::string& directory, const std::shared_ptr<DeferredSyncFileSystem>& synced_files,
                   FileSystem& files, Clock& clock)
    : StoreDatabase(
          directory,
          {.options = DatabaseOptions(), .families = Families(), .env = rocksdb::NewCompositeEnv(synced_files)}, files,
          clock),
      synced_files_(synced_files) {}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& directory, FileSystem& files,
                                                         Clock& clock) {
  const auto synced_files = std::make_shared<DeferredSyncFileSystem>(rocksdb::FileSystem::Default());
  std::unique_ptr<Database> database(new Database(directory, synced_files, files, clock));
  RETURN_IF_ERROR(database->StoreDatabase::Open());
  synced_files->EndDeferral();
  return database;
}

absl::Status Database::FlushMemtables() {
  const std::uint64_t writes = writes_;
  if (flushed_writes_.exchange(writes) == writes) return absl::OkStatus();
  return StoreDatabase::FlushMemtables();
}

absl::Status Database::Write(Batch& batch) {
  ++writes_;
  return StoreDatabase::Write(batch, Durability::kProcess);
}

absl::Status Database::Put(Family family, std::string_view key, std::string_view value) {
  Batch batch(*this);
  batch.Put(family, key, value);
  return Write(batch);
}

absl::Status Database::Delete(Family family, std::string_view key) {
  Batch batch(*this);
  batch.Delete(family, key);
  return Write(batch);
}

absl::Status Database::ForEach(Family family, std::string_view prefix, const Visit& visit, const Snapshot* snapshot) {
  return StoreDatabase::ForEach(family, prefix, After(prefix), visit, snapshot);
}

}  // namespace smelt
