#include "src/store/local/blob_files.h"

#include <glog/logging.h>

#include <cstring>

#include "fmt/format.h"
#include "src/base/kill_point.h"
#include "src/base/path_names.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/store/local/spread_directories.h"

namespace smelt {
namespace {

constexpr char kBootIdPath[] = "/proc/sys/kernel/random/boot_id";

// Some number for this boot; where the kernel does not say, another one every time, so that every file is digested.
std::uint64_t BootNumber(FileSystem& files, Clock& clock) {
  const auto id = files.ReadFile(kBootIdPath);
  const Digest digest = DigestOf(id.ok() ? *id : std::to_string(clock.NowNanos()));
  std::uint64_t number;
  std::memcpy(&number, digest.hash.data(), sizeof(number));
  return number;
}

}  // namespace

absl::Status BlobFiles::Prepare() {
  boot_ = BootNumber(files_, clock_);
  RETURN_IF_ERROR(files_.MakeDirectories(directory_ + "/blobs", 0700));
  const std::string staging = directory_ + "/staging";
  const bool is_new = !files_.Stat(staging).ok();
  RETURN_IF_ERROR(files_.MakeDirectories(staging, 0700));
  if (is_new) SpreadChildren(staging);
  for (std::uint64_t number = 0; number < kStagingDirectories; ++number) {
    RETURN_IF_ERROR(Empty(StagingDirectory(number)));
  }
  ASSIGN_OR_RETURN(const FileStat stat, files_.Stat(staging));
  device_ = stat.device;
  return absl::OkStatus();
}

absl::Status BlobFiles::Empty(const std::string& directory) {
  RETURN_IF_ERROR(files_.MakeDirectories(directory, 0700));
  ASSIGN_OR_RETURN(const std::vector<std::string> leftovers, files_.List(directory));
  for (const std::string& name : leftovers) RETURN_IF_ERROR(files_.Remove(directory + "/" + name));
  return absl::OkStatus();
}

std::string BlobFiles::PathOf(const Digest& digest) const {
  const std::string hex = digest.Hex();
  return fmt::format("{}/blobs/{}/{}", directory_, std::string_view(hex).substr(0, 2), hex);
}

std::string BlobFiles::StagingDirectory(std::uint64_t number) const {
  return fmt::format("{}/staging/{:x}", directory_, number % kStagingDirectories);
}

std::string BlobFiles::StagingPath() {
  const std::uint64_t number = ++staged_;
  return fmt::format("{}/{}", StagingDirectory(number), number);
}

absl::Status BlobFiles::Check(BlobIndex::Entry& entry) {
  ASSIGN_OR_RETURN(const std::optional<FileRecord> record, entry.Record());
  const auto stat = files_.Stat(PathOf(entry.digest()));
  if (absl::IsNotFound(stat.status())) {
    if (record.has_value()) RETURN_IF_ERROR(entry.Remove());
    return absl::NotFoundError(fmt::format("no blob {}", entry.digest().ToString()));
  }
  RETURN_IF_ERROR(stat.status());
  if (!record.has_value()) return Redigest(entry, *stat, /*recorded=*/false);
  if (IsAsRecorded(*record, *stat, boot_)) return absl::OkStatus();
  return Redigest(entry, *stat, /*recorded=*/true);
}

absl::Status BlobFiles::Redigest(BlobIndex::Entry& entry, const FileStat& stat, bool recorded) {
  const std::string path = PathOf(entry.digest());
  if (stat.type != FileStat::Type::kRegular || stat.size != entry.digest().size) return DropWrong(entry, recorded);
  const std::int64_t started_ns = clock_.NowNanos();
  ASSIGN_OR_RETURN(const UniqueFd fd, files_.OpenForRead(path));
  ASSIGN_OR_RETURN(const Digest actual, DigestOfFile(fd.get()));
  ASSIGN_OR_RETURN(const FileStat after, files_.Stat(path));
  if (actual != entry.digest() || !SameContents(stat, after)) return DropWrong(entry, recorded);
  const FileRecord record = RecordOf(after, boot_, /*racy=*/after.mtime_ns >= started_ns);
  if (!recorded) return entry.AddFile(record);
  entry.RefreshFile(record);
  return absl::OkStatus();
}

absl::Status BlobFiles::DropWrong(BlobIndex::Entry& entry, bool recorded) {
  RETURN_IF_ERROR(Drop(entry));
  // What was never acknowledged, such as a copy that a power cut tore, is not a loss.
  if (!recorded) return absl::NotFoundError(fmt::format("no blob {}", entry.digest().ToString()));
  ++corrupt_;
  LOG(WARNING) << "blob " << entry.digest().ToString() << " was changed in place or torn: dropped";
  return absl::DataLossError(fmt::format("blob {} was changed in {}", entry.digest().ToString(), directory_));
}

absl::Status BlobFiles::MoveIntoShard(const std::string& staged, const std::string& path) {
  const absl::Status status = files_.Rename(staged, path);
  if (!absl::IsNotFound(status)) return status;
  RETURN_IF_ERROR(files_.MakeDirectories(std::string(DirectoryName(path)), 0700));
  return files_.Rename(staged, path);
}

absl::Status BlobFiles::Commit(BlobIndex::Entry& entry, const std::string& staged) {
  const std::string path = PathOf(entry.digest());
  absl::Status status = MoveIntoShard(staged, path);
  if (!status.ok()) {
    files_.Remove(staged).IgnoreError();
    return status;
  }
  SMELT_KILL_POINT("store.commit.before_record");
  const auto stat = files_.Stat(path);
  status = stat.ok() ? entry.AddFile(RecordOf(*stat, boot_, /*racy=*/false)) : stat.status();
  SMELT_KILL_POINT("store.commit.after_record");
  if (!status.ok()) files_.Remove(path).IgnoreError();
  return status;
}

// What is killed in between finds a record without a file: no blob.
absl::Status BlobFiles::Release(BlobIndex::Entry& entry, const std::string& staged) {
  RETURN_IF_ERROR(files_.Rename(PathOf(entry.digest()), staged));
  SMELT_KILL_POINT("store.release.before_record");
  return entry.Remove();
}

absl::Status BlobFiles::Drop(BlobIndex::Entry& entry) {
  const std::string path = PathOf(entry.digest());
  // Something that is no file is none of ours: it is kept, out of the way.
  const auto stat = files_.Stat(path);
  const bool is_strange = stat.ok() && stat->type != FileStat::Type::kRegular;
  RETURN_IF_ERROR(is_strange ? files_.Rename(path, fmt::format("{}.strange-{:x}", path, clock_.NowNanos()))
                             : files_.Remove(path));
  SMELT_KILL_POINT("store.drop.before_record");
  return entry.Remove();
}

absl::Status BlobFiles::RemoveStrays(BlobIndex& index) {
  ASSIGN_OR_RETURN(const std::vector<std::string> shards, files_.List(directory_ + "/blobs"));
  for (const std::string& shard : shards) RETURN_IF_ERROR(RemoveStraysIn(index, directory_ + "/blobs/" + shard));
  return absl::OkStatus();
}

absl::Status BlobFiles::RemoveStraysIn(BlobIndex& index, const std::string& shard) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(shard));
  for (const std::string& name : names) {
    const std::string path = shard + "/" + name;
    const auto stat = files_.Stat(path);
    if (!stat.ok() || stat->type != FileStat::Type::kRegular) continue;
    const auto digest = Digest::Parse(fmt::format("{}/{}", name, stat->size));
    if (!digest.ok()) {
      RETURN_IF_ERROR(files_.Remove(path));
      continue;
    }
    BlobIndex::Entry entry = index.Lock(*digest);
    ASSIGN_OR_RETURN(const std::optional<FileRecord> record, entry.Record());
    if (!record.has_value()) RETURN_IF_ERROR(files_.Remove(path));
  }
  return absl::OkStatus();
}

}  // namespace smelt
