#include "src/store/rocks/rocks_database.h"

#include <glog/logging.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/rocks/rocks_options.h"

namespace smelt {
namespace {

constexpr char kBroken[] = ".broken-";

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Beside the database: it was found corrupt while it was open.
std::string MarkPath(const std::string& directory) { return directory + ".corrupt"; }

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

void RocksDatabase::Batch::Put(Family family, std::string_view key, std::string_view value) {
  batch_.Put(database_->Handle(family), ToSlice(key), ToSlice(value));
}

void RocksDatabase::Batch::Delete(Family family, std::string_view key) {
  batch_.Delete(database_->Handle(family), ToSlice(key));
}

absl::StatusOr<std::unique_ptr<RocksDatabase>> RocksDatabase::Open(const std::string& directory, FileSystem& files,
                                                                   Clock& clock) {
  std::unique_ptr<RocksDatabase> database(new RocksDatabase(directory, files, clock));
  if (files.Stat(MarkPath(directory)).ok()) {
    RETURN_IF_ERROR(database->PutAside("found corrupt when it was last used"));
    return database;
  }
  const rocksdb::Status status = database->TryOpen();
  if (MeansBroken(status)) {
    RETURN_IF_ERROR(database->PutAside(status.ToString()));
  } else if (!status.ok()) {
    return database->Translate(status);
  }
  return database;
}

absl::Status RocksDatabase::PutAside(const std::string& why) {
  Close();
  const std::string aside = fmt::format("{}{}{}", directory_, kBroken, clock_.NowNanos() / 1'000'000'000);
  LOG(ERROR) << "the database " << directory_ << " is broken (" << why << "): put aside as " << aside
             << ", which may be removed; an empty one begins, and what is missing is uploaded again";
  RemoveEarlierBroken(directory_, files_);
  RETURN_IF_ERROR(files_.Rename(directory_, aside));
  RETURN_IF_ERROR(files_.Remove(MarkPath(directory_)));
  corruption_noted_ = false;
  const rocksdb::Status status = TryOpen();
  return status.ok() ? absl::OkStatus() : Translate(status);
}

rocksdb::Status RocksDatabase::TryOpen() {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(RocksOptions(), directory_, RocksFamilies(), &handles_, &db);
  db_.reset(db);
  return status;
}

void RocksDatabase::Close() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  handles_.clear();
  const rocksdb::Status closed = db_->Close();
  if (!closed.ok()) LOG(WARNING) << "close of " << directory_ << ": " << closed.ToString();
  db_.reset();
}

RocksDatabase::~RocksDatabase() { Close(); }

absl::StatusOr<std::optional<std::string>> RocksDatabase::Get(Family family, std::string_view key) {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), Handle(family), ToSlice(key), &value);
  if (status.ok()) return std::string(value.data(), value.size());
  if (status.IsNotFound()) return std::nullopt;
  if (status.IsCorruption() || status.IsPathNotFound()) {
    NoteCorruption(status);
    return std::nullopt;
  }
  return Translate(status);
}

absl::Status RocksDatabase::Write(Batch& batch, Durability durability) {
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::kMachine;
  rocksdb::Status status = db_->Write(options, &batch.batch_);
  if (!status.ok() && Recover()) status = db_->Write(options, &batch.batch_);
  return Translate(status);
}

// After a failed write (a full disk, for one) RocksDB refuses all others until it is told to go on, and never writes to
// that log file again: a flush begins another one. One thread tries; the others' writes fail meanwhile.
bool RocksDatabase::Recover() {
  const std::unique_lock lock(recovery_mu_, std::try_to_lock);
  return lock.owns_lock() && db_->Resume().ok() && db_->Flush(rocksdb::FlushOptions(), handles_).ok();
}

absl::Status RocksDatabase::ForEach(Family family, std::string_view from, std::string_view to, const Visit& visit) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = 2 << 20;
  const rocksdb::Slice end = ToSlice(to);
  if (!to.empty()) options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(options, Handle(family)));
  for (entry->Seek(ToSlice(from)); entry->Valid(); entry->Next()) {
    if (!visit(FromSlice(entry->key()), FromSlice(entry->value()))) return absl::OkStatus();
  }
  return Translate(entry->status());
}

absl::StatusOr<std::optional<std::string>> RocksDatabase::LastKey(Family family) {
  const std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(rocksdb::ReadOptions(), Handle(family)));
  entry->SeekToLast();
  if (entry->Valid()) return std::string(FromSlice(entry->key()));
  RETURN_IF_ERROR(Translate(entry->status()));
  return std::nullopt;
}

absl::Status RocksDatabase::Compact() {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  return Translate(db_->CompactRange(options, Handle(Family::kBlobDb), nullptr, nullptr));
}

absl::Status RocksDatabase::FlushMemtables() { return Translate(db_->Flush(rocksdb::FlushOptions(), handles_)); }

std::int64_t RocksDatabase::DiskBytes() {
  std::int64_t bytes = 0;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    std::uint64_t tables = 0, blob_files = 0;
    db_->GetIntProperty(handle, rocksdb::DB::Properties::kTotalSstFilesSize, &tables);
    db_->GetIntProperty(handle, rocksdb::DB::Properties::kTotalBlobFileSize, &blob_files);
    bytes += static_cast<std::int64_t>(tables + blob_files);
  }
  return bytes;
}

absl::Status RocksDatabase::Translate(const rocksdb::Status& status) {
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

void RocksDatabase::NoteCorruption(const rocksdb::Status& status) {
  if (corruption_noted_.exchange(true)) return;
  LOG(ERROR) << "the database " << directory_ << " is corrupt (" << status.ToString()
             << "): what cannot be read counts as absent; it is begun anew when it is next opened";
  const absl::Status marked = files_.WriteNewFile(MarkPath(directory_), status.ToString(), 0600);
  if (!marked.ok() && !absl::IsAlreadyExists(marked)) LOG(WARNING) << marked;
}

}  // namespace smelt
