#include "src/store/database/store_database.h"

#include <glog/logging.h>
#include <rocksdb/listener.h>

#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/database/information_log.h"
#include "src/store/database/rocksdb_status.h"

namespace smelt {
namespace {

StoreDatabase::Setup Complete(StoreDatabase::Setup setup, std::shared_ptr<rocksdb::EventListener> listener) {
  rocksdb::DBOptions& options = setup.options;
  if (setup.env != nullptr) options.env = setup.env.get();
  options.listeners.push_back(std::move(listener));
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.allow_fallocate = false;  // it would take the log's full size from a small disk at once
  options.avoid_flush_during_recovery = true;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<InformationLog>();
  return setup;
}

}  // namespace

class StoreDatabase::Listener : public rocksdb::EventListener {
 public:
  explicit Listener(StoreDatabase& database) : database_(database) {}

  // Left to itself, RocksDB looks every few seconds whether a full disk has room again, and lets nobody recover before.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    if (MeansCorrupt(*status)) database_.Condemn(status->ToString());
  }

 private:
  StoreDatabase& database_;
};

void StoreDatabase::Batch::Put(Family family, std::string_view key, std::string_view value) {
  if (database_->db_ == nullptr) return void(incomplete_ = true);
  batch_.Put(database_->Handle(family), ToSlice(key), ToSlice(value));
}

void StoreDatabase::Batch::Delete(Family family, std::string_view key) {
  if (database_->db_ == nullptr) return void(incomplete_ = true);
  batch_.Delete(database_->Handle(family), ToSlice(key));
}

StoreDatabase::StoreDatabase(std::string directory, Setup setup, FileSystem& files, Clock& clock)
    : directory_(std::move(directory)),
      setup_(Complete(std::move(setup), std::make_shared<Listener>(*this))),
      aside_(directory_, files, clock) {}

absl::Status StoreDatabase::Open() {
  aside_.Measure();
  corrupt_ = aside_.IsMarked();
  return Mend().status();
}

absl::StatusOr<bool> StoreDatabase::Mend() {
  Close();
  if (corrupt_) RETURN_IF_ERROR(MoveAside());
  stuck_ = true;
  const rocksdb::Status status = OpenOrBeginAnew();
  if (!status.ok()) return ToStatus(status, directory_);
  stuck_ = false;
  return std::exchange(begun_anew_, false);
}

rocksdb::Status StoreDatabase::OpenOrBeginAnew() {
  rocksdb::Status status = TryOpen();
  if (MeansBroken(status)) {
    LOG(ERROR) << "the database " << directory_ << " cannot be opened: " << status.ToString();
    const absl::Status moved = MoveAside();
    if (!moved.ok()) return rocksdb::Status::IOError(std::string(moved.message()));
    status = TryOpen();
  }
  if (!status.IsNoSpace() || aside_.bytes() == 0) return status;
  aside_.Remove();
  return TryOpen();
}

absl::Status StoreDatabase::MoveAside() {
  ASSIGN_OR_RETURN(const std::string aside, aside_.Move());
  LOG(ERROR) << "the database " << directory_ << " is broken: set aside as " << aside
             << ", which may be removed; an empty one begins" << setup_.consequence;
  corrupt_ = false;
  begun_anew_ = true;
  return absl::OkStatus();
}

rocksdb::Status StoreDatabase::TryOpen() {
  setup_.options.env->CreateDirIfMissing(directory_).PermitUncheckedError();  // RocksDB would call it an error
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
  if (db_ == nullptr) return Closed();
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), Handle(family), ToSlice(key), &value);
  if (status.ok()) return std::string(value.data(), value.size());
  if (status.IsNotFound()) return std::nullopt;
  if (!MeansCorrupt(status)) return Translate(status);
  Condemn(status.ToString());
  return std::nullopt;
}

absl::Status StoreDatabase::Write(Batch& batch, Durability durability) {
  if (db_ == nullptr || batch.incomplete_) return Closed();
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
  if (corrupt_) return false;
  if (recoveries == recoveries_) {
    const rocksdb::Status resumed = db_->Resume();
    // Where it never goes on by itself.
    if (!resumed.ok() && resumed.severity() >= rocksdb::Status::kFatalError) stuck_ = true;
    recovered_ = resumed.ok() && db_->Flush(rocksdb::FlushOptions(), handles_).ok();
    ++recoveries_;
  }
  return recovered_;
}

absl::Status StoreDatabase::ForEach(Family family, std::string_view from, std::string_view to, const Visit& visit,
                                    const Snapshot* snapshot) {
  if (db_ == nullptr) return Closed();
  rocksdb::ReadOptions options;
  if (snapshot != nullptr) options.snapshot = snapshot->snapshot_;
  options.fill_cache = false;
  options.readahead_size = setup_.scan_readahead_bytes;
  const rocksdb::Slice end = ToSlice(to);
  if (!to.empty()) options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(options, Handle(family)));
  for (entry->Seek(ToSlice(from)); entry->Valid(); entry->Next()) {
    if (corrupt_) return absl::DataLossError(fmt::format("database {} is corrupt", directory_));
    if (!visit(FromSlice(entry->key()), FromSlice(entry->value()))) return absl::OkStatus();
  }
  return Translate(entry->status());
}

absl::Status StoreDatabase::FlushMemtables() {
  if (db_ == nullptr) return Closed();
  return Translate(db_->Flush(rocksdb::FlushOptions(), handles_));
}

absl::Status StoreDatabase::Compact(Family family) {
  if (db_ == nullptr) return Closed();
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  options.canceled = &corrupt_;
  return Translate(db_->CompactRange(options, Handle(family), nullptr, nullptr));
}

absl::Status StoreDatabase::CompactAllForTest() {
  RETURN_IF_ERROR(FlushMemtables());
  for (Family family = 0; family < setup_.families.size(); ++family) RETURN_IF_ERROR(Compact(family));
  return absl::OkStatus();
}

absl::Status StoreDatabase::Closed() const {
  return absl::UnavailableError(fmt::format("database {} cannot be opened: the log says why", directory_));
}

absl::Status StoreDatabase::Translate(const rocksdb::Status& status) {
  if (status.IsCorruption()) Condemn(status.ToString());
  return ToStatus(status, directory_);
}

void StoreDatabase::Condemn(const std::string& why) {
  if (corrupt_.exchange(true)) return;
  LOG(ERROR) << "the database " << directory_ << " is corrupt (" << why << "): it is set aside";
  aside_.Mark(why);
}

}  // namespace smelt
