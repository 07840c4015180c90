#include "src/store/rocks/recent_values.h"

namespace smelt {
namespace {

// Of a value beside its bytes.
constexpr std::int64_t kOverheadBytes = 250;

std::int64_t CostOf(const Bytes& value) { return value.size() + kOverheadBytes; }

}  // namespace

RecentValues::Version RecentValues::VersionOf(const Digest& key) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mu);
  return shard.version;
}

std::optional<Bytes> RecentValues::Find(const Digest& key) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mu);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return std::nullopt;
  shard.used.splice(shard.used.begin(), shard.used, found->second);
  return found->second->value;
}

void RecentValues::Add(const Digest& key, const Bytes& value, Version version) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mu);
  if (shard.version == version) Keep(shard, key, value);
}

void RecentValues::Replace(const Digest& key, const Bytes& value) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mu);
  ++shard.version;
  Keep(shard, key, value);
}

void RecentValues::Drop(const Digest& key) {
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mu);
  ++shard.version;
  Remove(shard, key);
}

std::int64_t RecentValues::bytes() {
  std::int64_t bytes = 0;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mu);
    bytes += shard.bytes;
  }
  return bytes;
}

void RecentValues::Keep(Shard& shard, const Digest& key, const Bytes& value) {
  Remove(shard, key);
  if (value.contents() == nullptr || value.size() > kValueBytesMax) return;
  shard.used.push_front({key, value});
  shard.by_key[key] = shard.used.begin();
  shard.bytes += CostOf(value);
  while (shard.bytes > shard_bytes_max_) Remove(shard, Digest(shard.used.back().key));
}

void RecentValues::Remove(Shard& shard, const Digest& key) {
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return;
  shard.bytes -= CostOf(found->second->value);
  shard.used.erase(found->second);
  shard.by_key.erase(found);
}

}  // namespace smelt
