#include "src/store/database/store_database.h"

#include <glog/logging.h>
#include <rocksdb/listener.h>

#include <utility>

#include "src/base/status_macros.h"
#include "src/store/database/rocksdb_status.h"

namespace smelt {
namespace {

// Left to itself, RocksDB looks every few seconds whether a full disk has room again, and lets nobody recover before.
class NoRecoveryByItself : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

StoreDatabase::Setup Complete(StoreDatabase::Setup setup) {
  rocksdb::DBOptions& options = setup.options;
  if (setup.env != nullptr) options.env = setup.env.get();
  options.listeners.push_back(std::make_shared<NoRecoveryByItself>());
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.allow_fallocate = false;  // it would take the log's full size from a small disk at once
  options.avoid_flush_during_recovery = true;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = 1 << 20;
  return setup;
}

}  // namespace

void StoreDatabase::Batch::Put(Family family, std::string_view key, std::string_view value) {
  batch_.Put(database_->Handle(family), ToSlice(key), ToSlice(value));
}

void StoreDatabase::Batch::Delete(Family family, std::string_view key) {
  batch_.Delete(database_->Handle(family), ToSlice(key));
}

StoreDatabase::StoreDatabase(std::string directory, Setup setup, FileSystem& files, Clock& clock)
    : directory_(std::move(directory)), setup_(Complete(std::move(setup))), aside_(directory_, files, clock) {}

absl::Status StoreDatabase::Open() {
  if (aside_.IsMarked()) return BeginAnew("found corrupt when it was last used");
  const rocksdb::Status status = TryOpen();
  return MeansBroken(status) ? BeginAnew(status.ToString()) : Translate(status);
}

absl::Status StoreDatabase::BeginAnew(const std::string& why) {
  Close();
  ASSIGN_OR_RETURN(const std::string aside, aside_.Move());
  LOG(ERROR) << "the database " << directory_ << " is broken (" << why << "): set aside as " << aside
             << ", which may be removed; an empty one begins" << setup_.consequence;
  corruption_noted_ = false;
  return Translate(TryOpen());
}

rocksdb::Status StoreDatabase::TryOpen() {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(setup_.options, directory_, setup_.families, &handles_, &db);
  db_.reset(db);
  return status;
}

void StoreDatabase::Close() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  handles_.clear();
  const rocksdb::Status closed = db_->Close();
  if (!closed.ok()) LOG(WARNING) << "close of " << directory_ << ": " << closed.ToString();
  db_.reset();
}

StoreDatabase::~StoreDatabase() { Close(); }

absl::StatusOr<std::optional<std::string>> StoreDatabase::Get(Family family, std::string_view key) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), Handle(family), ToSlice(key), &value);
  if (status.ok()) return std::string(value.data(), value.size());
  if (status.IsNotFound()) return std::nullopt;
  if (MeansCorrupt(status)) {
    NoteCorruption(status);
    return std::nullopt;
  }
  return Translate(status);
}

absl::Status StoreDatabase::Write(Batch& batch, Durability durability) {
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kMachine;
  const std::uint64_t recoveries = recoveries_;
  rocksdb::Status status = db_->Write(options, &batch.batch_);
  if (!status.ok() && Recover(recoveries)) status = db_->Write(options, &batch.batch_);
  return Translate(status);
}

// After a failed write (a full disk, for one) RocksDB refuses all others until it is told to go on, and never writes to
// that log file again: a flush begins another one. One thread tries, for all whose writes have failed meanwhile.
bool StoreDatabase::Recover(std::uint64_t recoveries) {
  const std::lock_guard lock(recovery_mu_);
  if (recoveries == recoveries_) {
    recovered_ = db_->Resume().ok() && db_->Flush(rocksdb::FlushOptions(), handles_).ok();
    ++recoveries_;
  }
  return recovered_;
}

absl::Status StoreDatabase::ForEach(Family family, std::string_view from, std::string_view to, const Visit& visit,
                                    const Snapshot* snapshot) {
  rocksdb::ReadOptions options;
  if (snapshot != nullptr) options.snapshot = snapshot->snapshot_;
  options.fill_cache = false;
  options.readahead_size = setup_.scan_readahead_bytes;
  const rocksdb::Slice end = ToSlice(to);
  if (!to.empty()) options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(options, Handle(family)));
  for (entry->Seek(ToSlice(from)); entry->Valid(); entry->Next()) {
    if (!visit(FromSlice(entry->key()), FromSlice(entry->value()))) return absl::OkStatus();
  }
  return Translate(entry->status());
}

absl::Status StoreDatabase::FlushMemtables() { return Translate(db_->Flush(rocksdb::FlushOptions(), handles_)); }

absl::Status StoreDatabase::Translate(const rocksdb::Status& status) {
  if (status.IsCorruption()) NoteCorruption(status);
  return ToStatus(status, directory_);
}

void StoreDatabase::NoteCorruption(const rocksdb::Status& status) {
  if (corruption_noted_.exchange(true)) return;
  LOG(ERROR) << "the database " << directory_ << " is corrupt (" << status.ToString()
             << "): what cannot be read counts as absent; it is begun anew when it is next opened";
  aside_.Mark(status.ToString());
}

}  // namespace smelt
