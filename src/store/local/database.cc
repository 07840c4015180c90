#include "src/store/local/database.h"

#include <glog/logging.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>

#include "fmt/format.h"
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

constexpr std::array<const char*, Database::kFamilies> kFamilyNames = {"default", "actions", "files", "uses", "tables"};

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Beside the database: it was found corrupt while it was open.
std::string MarkPath(const std::string& directory) { return directory + ".corrupt"; }

rocksdb::ColumnFamilyOptions FamilyOptions(const std::string& name) {
  static const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = name == kFamilyNames.front() ? kBlobMemtableBytes : kMemtableBytes;
  options.arena_block_size = 256 << 10;
  options.compression = rocksdb::kNoCompression;
  return options;
}

// Left to itself, RocksDB looks every few seconds whether a full disk has room again, and lets nobody recover before.
class NoRecoveryByItself : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = true;
  options.listeners.push_back(std::make_shared<NoRecoveryByItself>());
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  options.max_open_files = kOpenFilesMax;
  options.max_file_opening_threads = 1;
  options.db_write_buffer_size = kMemtablesBytesMax;
  options.max_total_wal_size = kLogBytesMax;
  options.allow_fallocate = false;  // it would take the log's full size from a small disk at once
  options.avoid_flush_during_recovery = true;
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  return options;
}

constexpr char kBroken[] = ".broken-";

// One that was put aside is kept for whoever wants to know why; more would fill the disk.
void RemoveEarlierBroken(const std::string& directory, FileSystem& files) {
  const std::size_t slash = directory.find_last_of('/');
  const auto names = files.List(directory.substr(0, slash));
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    std::error_code ignored;
    if (!name.starts_with(directory.substr(slash + 1) + kBroken)) continue;
    std::filesystem::remove_all(directory.substr(0, slash + 1) + name, ignored);
  }
}

bool MeansBroken(const rocksdb::Status& status) {
  return status.IsCorruption() || status.IsInvalidArgument() || status.IsNotFound() || status.IsNotSupported() ||
         status.IsPathNotFound();
}

}  // namespace

void Database::Batch::Put(Family family, std::string_view key, std::string_view value) {
  batch_.Put(database_.Handle(family), ToSlice(key), ToSlice(value));
}

void Database::Batch::Delete(Family family, std::string_view key) {
  batch_.Delete(database_.Handle(family), ToSlice(key));
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& directory, FileSystem& files,
                                                         Clock& clock) {
  std::unique_ptr<Database> database(new Database(directory, files));
  const bool marked = files.Stat(MarkPath(directory)).ok();
  rocksdb::Status status = marked ? rocksdb::Status::Corruption("found when it was last used") : database->TryOpen();
  if (MeansBroken(status)) {
    const std::string aside = fmt::format("{}{}{}", directory, kBroken, clock.NowNanos() / 1'000'000'000);
    LOG(WARNING) << "the database " << directory << " is broken (" << status.ToString() << "): put aside as " << aside
                 << ", which may be removed; an empty one begins";
    RemoveEarlierBroken(directory, files);
    RETURN_IF_ERROR(files.Rename(directory, aside));
    RETURN_IF_ERROR(files.Remove(MarkPath(directory)));
    status = database->TryOpen();
  }
  if (!status.ok()) return database->Translate(status);
  database->synced_files_->EndDeferral();
  return database;
}

rocksdb::Status Database::TryOpen() {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const char* name : kFamilyNames) families.emplace_back(name, FamilyOptions(name));
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(DatabaseOptions(env_.get()), directory_, families, &handles_, &db);
  db_.reset(db);
  return status;
}

Database::~Database() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  const rocksdb::Status closed = db_->Close();
  if (!closed.ok()) LOG(WARNING) << "close of " << directory_ << ": " << closed.ToString();
}

absl::Status Database::FlushMemtables() {
  const std::uint64_t writes = writes_;
  if (flushed_writes_.exchange(writes) == writes) return absl::OkStatus();
  return Translate(db_->Flush(rocksdb::FlushOptions(), handles_));
}

absl::StatusOr<std::optional<std::string>> Database::Get(Family family, std::string_view key) {
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), Handle(family), ToSlice(key), &value);
  if (status.ok()) return value;
  if (status.IsNotFound()) return std::nullopt;
  if (status.IsCorruption()) {
    NoteCorruption(status);
    return std::nullopt;
  }
  return Translate(status);
}

absl::Status Database::Write(Batch& batch) {
  ++writes_;
  rocksdb::Status status = db_->Write(rocksdb::WriteOptions(), &batch.batch_);
  if (status.ok()) return absl::OkStatus();
  // After a failed write (a full disk, for one) RocksDB refuses all others until it is told to go on, and never writes
  // to that log file again: a flush begins another one.
  const std::lock_guard lock(recovery_mu_);
  if (db_->Resume().ok() && db_->Flush(rocksdb::FlushOptions(), handles_).ok()) {
    status = db_->Write(rocksdb::WriteOptions(), &batch.batch_);
  }
  return Translate(status);
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
  rocksdb::ReadOptions options;
  if (snapshot != nullptr) options.snapshot = snapshot->snapshot_;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(options, Handle(family)));
  for (entry->Seek(ToSlice(prefix)); entry->Valid() && entry->key().starts_with(ToSlice(prefix)); entry->Next()) {
    if (!visit(FromSlice(entry->key()), FromSlice(entry->value()))) return absl::OkStatus();
  }
  return Translate(entry->status());
}

absl::Status Database::Translate(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption()) NoteCorruption(status);
  const std::string message = fmt::format("database {}: {}", directory_, status.ToString());
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  if (status.IsIOError() && status.ToString().find("denied") != std::string::npos) {
    return absl::PermissionDeniedError(message);
  }
  if (status.IsCorruption()) return absl::DataLossError(message);
  return absl::InternalError(message);
}

void Database::NoteCorruption(const rocksdb::Status& status) {
  if (corruption_noted_.exchange(true)) return;
  LOG(WARNING) << "the database " << directory_ << " is corrupt (" << status.ToString()
               << "): what cannot be read counts as absent; it is begun anew when it is next opened";
  const absl::Status marked = files_.WriteNewFile(MarkPath(directory_), status.ToString(), 0600);
  if (!marked.ok() && !absl::IsAlreadyExists(marked)) LOG(WARNING) << marked;
}

}  // namespace smelt
