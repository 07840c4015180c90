#ifndef SMELT_STORE_ROCKS_ROCKS_COMPLETE_RESULTS_H_
#define SMELT_STORE_ROCKS_ROCKS_COMPLETE_RESULTS_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "src/store/blob_store.h"
#include "src/store/complete_results.h"
#include "src/store/rocks/rocks_action_caches.h"

namespace smelt {

// Remembers which blobs the results name that were asked for last, so that they are parsed once. What it remembers
// follows from a result's bytes alone; whether the blobs are there is looked up each time.
class RocksCompleteResults : public CompleteResults {
 public:
  // Both live longer than this.
  RocksCompleteResults(RocksActionCaches& actions, BlobStore& blobs) : actions_(actions), blobs_(blobs) {}

  std::optional<Result> Find(std::string_view instance, const Digest& action) override;

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::int64_t kShardBytesMax = 1 << 20;

  struct Names {
    Bytes sealed;  // keeps the address that it is remembered by from being another result's
    std::vector<Digest> digests;
    bool output_streams = false;
  };
  struct Shard {
    std::mutex mu;
    absl::flat_hash_map<const std::string*, std::shared_ptr<const Names>> by_value;  // guarded by mu
    std::int64_t bytes = 0;                                                          // guarded by mu
  };

  std::shared_ptr<const Names> NamesIn(const Digest& action, const Bytes& sealed);
  std::shared_ptr<const Names> Read(const Digest& action, const Bytes& sealed);

  RocksActionCaches& actions_;
  BlobStore& blobs_;
  std::array<Shard, kShards> shards_;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_COMPLETE_RESULTS_H_
