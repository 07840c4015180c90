#include "src/digest/file_digests.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "fmt/format.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

// The value in the table: a fixed layout of this machine, guarded by its length and leading byte.
struct Record {
  std::uint8_t version = 2;
  std::uint8_t ours = 0;
  std::uint8_t hash[Digest::kHashBytes] = {};
  std::int64_t digest_size = 0;
  std::int64_t size = 0, mtime_ns = 0, ctime_ns = 0;
  std::uint64_t inode = 0, device = 0;
  std::uint32_t links = 0;
  std::uint32_t our_links = 1;
};

}  // namespace

FileDigests::FileDigests(FileSystem& files, Clock& clock, Table& table) : files_(files), clock_(clock), table_(table) {}

FileDigests::Shard& FileDigests::ShardOf(const std::string& path) {
  return shards_[std::hash<std::string>()(path) % kShards];
}

bool FileDigests::Holds(const Entry& entry, const FileStat& stat) {
  const FileStat& was = entry.stat;
  if (was.device != stat.device || was.inode != stat.inode || was.size != stat.size || was.mtime_ns != stat.mtime_ns) {
    return false;
  }
  if (was.ctime_ns == stat.ctime_ns) return true;
  // A name of ours that has gone explains a new ctime too, but may hide another reason.
  if (!entry.ours || stat.links < entry.our_links) return false;
  return stat.links > entry.our_links || was.links > entry.our_links;
}

std::optional<Digest> FileDigests::Remembered(const std::string& path, const FileStat& stat) {
  Shard& shard = ShardOf(path);
  {
    absl::MutexLock lock(&shard.mu);
    auto found = shard.entries.find(path);
    if (found != shard.entries.end()) {
      if (Holds(found->second, stat)) return found->second.digest;
      return std::nullopt;
    }
  }
  std::optional<std::string> value = table_.Get(path);
  Record record;
  if (!value || value->size() != sizeof record) return std::nullopt;
  std::memcpy(&record, value->data(), sizeof record);
  if (record.version != Record().version) return std::nullopt;
  Entry entry;
  entry.ours = record.ours != 0;
  std::copy(std::begin(record.hash), std::end(record.hash), entry.digest.hash.begin());
  entry.digest.size = record.digest_size;
  entry.stat.size = record.size;
  entry.stat.mtime_ns = record.mtime_ns;
  entry.stat.ctime_ns = record.ctime_ns;
  entry.stat.inode = record.inode;
  entry.stat.device = record.device;
  entry.stat.links = record.links;
  entry.our_links = record.our_links;
  absl::MutexLock lock(&shard.mu);
  MakeRoom(shard);
  shard.entries.emplace(path, entry);
  return Holds(entry, stat) ? std::optional(entry.digest) : std::nullopt;
}

absl::StatusOr<FileDigest> FileDigests::Of(const std::string& path) {
  absl::StatusOr<FileStat> stat = files_.Stat(path);
  if (!stat.ok()) return stat.status();
  return Of(path, *stat);
}

absl::StatusOr<FileDigest> FileDigests::Of(const std::string& path, const FileStat& stat) {
  if (stat.type != FileStat::Type::kRegular) {
    return absl::FailedPreconditionError(fmt::format("{}: not a regular file", path));
  }
  if (std::optional<Digest> digest = Remembered(path, stat)) return FileDigest{stat, *digest};

  FileStat before = stat;
  for (int attempt = 0; attempt < 3; ++attempt) {
    absl::StatusOr<UniqueFd> fd = files_.OpenForRead(path);
    if (!fd.ok()) return fd.status();
    std::int64_t now = clock_.NowNanos();
    absl::StatusOr<Digest> digest = DigestOfFile(fd->get());
    if (!digest.ok()) return digest.status();
    absl::StatusOr<FileStat> after = files_.Stat(path);
    if (!after.ok()) return after.status();
    if (*after == before) {
      const bool racy = std::max(before.mtime_ns, before.ctime_ns) >= now - RacyNanos(before);
      if (!racy) Remember(path, {before, *digest, false});
      return FileDigest{before, *digest};
    }
    before = *after;
  }
  return absl::AbortedError(fmt::format("{}: changes while it is being read", path));
}

bool FileDigests::IsRestored(const std::string& path, const FileStat& stat) {
  Shard& shard = ShardOf(path);
  absl::MutexLock lock(&shard.mu);
  auto found = shard.entries.find(path);
  return found != shard.entries.end() && found->second.ours && Holds(found->second, stat);
}

bool FileDigests::IsInPlace(const std::string& path, const Digest& digest, std::uint32_t mode) {
  Shard& shard = ShardOf(path);
  Entry entry;
  {
    absl::MutexLock lock(&shard.mu);
    auto found = shard.entries.find(path);
    if (found == shard.entries.end() || !found->second.ours || found->second.digest != digest) return false;
    entry = found->second;
  }
  absl::StatusOr<FileStat> stat = files_.Stat(path);
  return stat.ok() && *stat == entry.stat && stat->mode == mode;
}

void FileDigests::Restored(const std::string& path, const Digest& digest) {
  absl::StatusOr<FileStat> stat = files_.Stat(path);
  if (stat.ok() && stat->size == digest.size) Remember(path, {*stat, digest, true, stat->links});
}

void FileDigests::Left(const std::string& path, const Digest& digest) {
  absl::StatusOr<FileStat> stat = files_.Stat(path);
  if (!stat.ok() || stat->size != digest.size) return;
  Remember(path, {*stat, digest, true, OurLinks(path, *stat)});
}

std::uint32_t FileDigests::OurLinks(const std::string& path, const FileStat& stat) {
  Shard& shard = ShardOf(path);
  absl::MutexLock lock(&shard.mu);
  auto found = shard.entries.find(path);
  const bool is_same = found != shard.entries.end() && found->second.ours && found->second.stat.inode == stat.inode;
  return is_same ? found->second.our_links : 1;
}

void FileDigests::Remember(const std::string& path, const Entry& entry) {
  Record record;
  record.ours = entry.ours;
  std::copy(entry.digest.hash.begin(), entry.digest.hash.end(), record.hash);
  record.digest_size = entry.digest.size;
  record.size = entry.stat.size;
  record.mtime_ns = entry.stat.mtime_ns;
  record.ctime_ns = entry.stat.ctime_ns;
  record.inode = entry.stat.inode;
  record.device = entry.stat.device;
  record.links = entry.stat.links;
  record.our_links = entry.our_links;
  table_.Put(path, {reinterpret_cast<const char*>(&record), sizeof record}).IgnoreError();

  Shard& shard = ShardOf(path);
  absl::MutexLock lock(&shard.mu);
  MakeRoom(shard);
  shard.entries.insert_or_assign(path, entry);
}

void FileDigests::MakeRoom(Shard& shard) {
  if (shard.entries.size() > kEntriesMax / kShards) shard.entries.clear();
}

void FileDigests::Prune(const std::function<bool()>& stop) {
  std::vector<std::string> gone;
  table_.ForEach([&](std::string_view key, std::string_view) {
    std::string path(key);
    if (absl::IsNotFound(files_.Stat(path).status())) gone.push_back(std::move(path));
    return !stop();
  });
  if (stop()) return;
  for (const std::string& path : gone) {
    table_.Delete(path).IgnoreError();
    Shard& shard = ShardOf(path);
    absl::MutexLock lock(&shard.mu);
    shard.entries.erase(path);
  }
}

std::int64_t FileDigests::RacyNanos(const FileStat& stat) {
  return stat.ctime_ns % 1'000'000'000 == 0 ? kCoarseRacyNanos : kRacyNanos;
}

}  // namespace smelt
