#ifndef SMELT_STORE_ROCKS_RECENT_VALUES_H_
#define SMELT_STORE_ROCKS_RECENT_VALUES_H_

#include <array>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "src/digest/digest.h"
#include "src/store/bytes.h"

namespace smelt {

// Little values that were written or read last, in memory, each known to be right: they need neither be looked up in
// the database nor digested. The least recently used ones go. Whether they are still part of the store others know.
// Thread-safe.
class RecentValues {
 public:
  // Values beyond this are not kept.
  static constexpr std::int64_t kValueBytesMax = 64 << 10;

  explicit RecentValues(std::int64_t bytes_max) : shard_bytes_max_(bytes_max / kShards) {}

  // How often keys near this one were replaced: to be asked before a value is read elsewhere.
  using Version = std::uint64_t;
  Version VersionOf(const Digest& key);

  std::optional<Bytes> Find(const Digest& key);

  // Keeps what was read, unless something near it was replaced since `version`.
  void Add(const Digest& key, const Bytes& value, Version version);

  // Keeps what was written, in place of what was.
  void Replace(const Digest& key, const Bytes& value);

  // The same with nothing.
  void Drop(const Digest& key);

  std::int64_t bytes();

 private:
  static constexpr std::int64_t kShards = 16;

  struct Kept {
    Digest key;
    Bytes value;
  };
  struct Shard {
    std::mutex mu;
    std::list<Kept> used;                                           // last used first; guarded by mu
    absl::flat_hash_map<Digest, std::list<Kept>::iterator> by_key;  // guarded by mu
    std::int64_t bytes = 0;                                         // guarded by mu
    Version version = 0;                                            // guarded by mu
  };

  Shard& ShardOf(const Digest& key) { return shards_[key.hash[0] % kShards]; }
  void Keep(Shard& shard, const Digest& key, const Bytes& value);
  static void Remove(Shard& shard, const Digest& key);

  const std::int64_t shard_bytes_max_;
  std::array<Shard, kShards> shards_;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_RECENT_VALUES_H_
