#include "src/store/rocks/durable_files.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "fmt/format.h"
#include "src/base/errno_status.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/store/unnamed_file.h"

namespace smelt {
namespace {

constexpr std::uint32_t kBlobMode = 0444;

absl::Status Sync(int fd, const std::string& what) {
  if (::fsync(fd) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "fsync " + what);
}

absl::Status SyncDirectory(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "open " + path);
  return Sync(fd.get(), path);
}

absl::Status Wrong(const Digest& digest, const Digest& actual) {
  return absl::InvalidArgumentError(fmt::format("bytes put as blob {} are {}", digest.ToString(), actual.ToString()));
}

}  // namespace

DurableFiles::Staged::Staged(Staged&& other) noexcept
    : files_(std::exchange(other.files_, nullptr)),
      path_(std::exchange(other.path_, std::string())),
      bytes_(std::move(other.bytes_)) {}

DurableFiles::Staged::~Staged() {
  if (files_ != nullptr && !path_.empty()) files_->Remove(path_).IgnoreError();
}

absl::Status DurableFiles::Prepare() {
  for (unsigned shard = 0; shard < kShards; ++shard) {
    RETURN_IF_ERROR(files_.MakeDirectories(fmt::format("{}/files/{:02x}", directory_, shard), 0700));
  }
  RETURN_IF_ERROR(files_.MakeDirectories(staging_, 0700));
  ASSIGN_OR_RETURN(const std::vector<std::string> leftovers, files_.List(staging_));
  for (const std::string& name : leftovers) RETURN_IF_ERROR(files_.Remove(staging_ + "/" + name));
  ASSIGN_OR_RETURN(const FileStat stat, files_.Stat(staging_));
  device_ = stat.device;
  RETURN_IF_ERROR(SyncDirectory(directory_ + "/files"));
  return SyncDirectory(directory_);
}

std::string DurableFiles::ShardOf(const Digest& digest) const {
  return fmt::format("{}/files/{:02x}", directory_, digest.hash[0]);
}

std::string DurableFiles::PathOf(const Digest& digest) const { return ShardOf(digest) + "/" + digest.Hex(); }

absl::StatusOr<DurableFiles::Staged> DurableFiles::Copy(const Bytes& bytes) {
  const std::string path = fmt::format("{}/{}", staging_, ++staged_);
  const std::string* contents = bytes.contents();
  const absl::Status written = contents != nullptr
                                   ? files_.WriteNewFile(path, *contents, kBlobMode)
                                   : files_.CopyToNewFile(fmt::format("/proc/self/fd/{}", bytes.fd()), path, kBlobMode);
  auto fd = written.ok() ? files_.OpenForRead(path) : absl::StatusOr<UniqueFd>(written);
  if (fd.ok()) return Staged(files_, path, Bytes(*std::move(fd), bytes.size()));
  files_.Remove(path).IgnoreError();
  return fd.status();
}

absl::StatusOr<DurableFiles::Staged> DurableFiles::Stage(const Digest& digest, const Bytes& bytes) {
  auto staged = IsUnnamed(bytes, device_) ? absl::StatusOr<Staged>(Staged(files_, "", bytes)) : Copy(bytes);
  RETURN_IF_ERROR(staged.status());
  SMELT_KILL_POINT("rocks.stage.before_digest");
  ASSIGN_OR_RETURN(const Digest actual, DigestOf(staged->bytes_));
  if (actual != digest) return Wrong(digest, actual);
  return staged;
}

absl::Status DurableFiles::Name(const Staged& staged, const std::string& path) {
  if (!staged.path_.empty()) return files_.Rename(staged.path_, path);
  const absl::Status named = NameFile(staged.bytes_, path, kBlobMode, files_);
  if (!absl::IsAlreadyExists(named)) return named;
  RETURN_IF_ERROR(files_.Remove(path));
  return NameFile(staged.bytes_, path, kBlobMode, files_);
}

absl::Status DurableFiles::Commit(const Digest& digest, Staged staged) {
  const std::string path = PathOf(digest);
  RETURN_IF_ERROR(Sync(staged.bytes_.fd(), "a staged file"));
  SMELT_KILL_POINT("rocks.commit.before_name");
  RETURN_IF_ERROR(Name(staged, path));
  staged.path_.clear();
  SMELT_KILL_POINT("rocks.commit.after_name");
  const absl::Status synced = SyncDirectory(ShardOf(digest));
  const auto stat = files_.Stat(path);
  if (synced.ok() && stat.ok()) {
    NoteRight(digest, StateOf(*stat));
    return absl::OkStatus();
  }
  files_.Remove(path).IgnoreError();
  return synced.ok() ? stat.status() : synced;
}

absl::StatusOr<Bytes> DurableFiles::Open(const Digest& digest) {
  const std::string path = PathOf(digest);
  ASSIGN_OR_RETURN(UniqueFd fd, files_.OpenForRead(path));
  const std::string opened = fmt::format("/proc/self/fd/{}", fd.get());
  ASSIGN_OR_RETURN(const FileStat before, files_.Stat(opened));
  const absl::Status wrong = absl::DataLossError(fmt::format("{} does not hold blob {}", path, digest.ToString()));
  if (before.type != FileStat::Type::kRegular || before.size != digest.size) return wrong;
  if (IsKnownRight(digest, StateOf(before))) return Bytes(std::move(fd), digest.size);
  const auto actual = DigestOfFile(fd.get());
  if (!actual.ok() || *actual != digest) return wrong;
  ASSIGN_OR_RETURN(const FileStat after, files_.Stat(opened));
  if (StateOf(before) == StateOf(after)) NoteRight(digest, StateOf(before));
  return Bytes(std::move(fd), digest.size);
}

bool DurableFiles::IsThere(const Digest& digest) {
  const auto stat = files_.Stat(PathOf(digest));
  return stat.ok() && stat->type == FileStat::Type::kRegular && stat->size == digest.size;
}

absl::Status DurableFiles::Remove(const Digest& digest) {
  {
    const std::lock_guard lock(mu_);
    right_.erase(digest);
  }
  return files_.Remove(PathOf(digest));
}

absl::Status DurableFiles::ForEach(const Visit& visit) {
  for (unsigned shard = 0; shard < kShards; ++shard) RETURN_IF_ERROR(ForEachIn(shard, visit));
  return absl::OkStatus();
}

absl::Status DurableFiles::ForEachIn(unsigned shard, const Visit& visit) {
  const std::string directory = fmt::format("{}/files/{:02x}", directory_, shard);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List(directory));
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    const auto stat = files_.Stat(path);
    if (!stat.ok() || stat->type != FileStat::Type::kRegular) continue;
    const auto digest = Digest::Parse(fmt::format("{}/{}", name, stat->size));
    RETURN_IF_ERROR(digest.ok() ? visit(*digest) : files_.Remove(path));
  }
  return absl::OkStatus();
}

void DurableFiles::NoteRight(const Digest& digest, const State& state) {
  const std::lock_guard lock(mu_);
  right_[digest] = state;
}

bool DurableFiles::IsKnownRight(const Digest& digest, const State& state) {
  const std::lock_guard lock(mu_);
  const auto found = right_.find(digest);
  return found != right_.end() && found->second == state;
}

}  // namespace smelt
