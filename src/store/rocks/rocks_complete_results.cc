#include "src/store/rocks/rocks_complete_results.h"

#include <functional>
#include <utility>

#include "src/store/completeness_checking_action_cache.h"
#include "src/store/result_digests.h"
#include "src/store/rocks/row.h"

namespace smelt {
namespace {

// Results that name more go the long way.
constexpr std::size_t kDigestsMax = 1000;
constexpr std::int64_t kTreeBytesMax = 64 << 10;

// Of a result beside its bytes and its digests.
constexpr std::int64_t kOverheadBytes = 250;

bool HasLargeTree(const ActionCache::ActionResult& result) {
  const auto trees = TreeDigestsIn(result), roots = RootDigestsIn(result);
  if (!trees.ok() || !roots.ok() || !roots->empty()) return true;
  std::int64_t bytes = 0;
  for (const Digest& tree : *trees) {
    if (tree.size > kTreeBytesMax || (bytes += tree.size) > kTreeBytesMax) return true;
  }
  return false;
}

}  // namespace

std::optional<CompleteResults::Result> RocksCompleteResults::Find(std::string_view instance, const Digest& action) {
  const absl::StatusOr<Bytes> sealed = actions_.GetSealed(instance, action);
  if (!sealed.ok()) return std::nullopt;
  const std::shared_ptr<const Names> names = NamesIn(action, *sealed);
  if (names == nullptr) return std::nullopt;
  const absl::StatusOr<std::vector<Digest>> missing = blobs_.FindMissing(names->digests);
  if (!missing.ok() || !missing->empty()) return std::nullopt;
  return Result{*sealed, BytesOfResult(*sealed->contents()), names->output_streams};
}

std::shared_ptr<const RocksCompleteResults::Names> RocksCompleteResults::NamesIn(const Digest& action,
                                                                                 const Bytes& sealed) {
  Shard& shard = shards_[action.hash[0] % kShards];
  {
    const std::lock_guard lock(shard.mu);
    const auto found = shard.by_value.find(sealed.contents());
    if (found != shard.by_value.end()) return found->second;
  }
  std::shared_ptr<const Names> names = Read(action, sealed);
  if (names == nullptr) return nullptr;
  const std::lock_guard lock(shard.mu);
  if (shard.bytes > kShardBytesMax) shard.by_value.clear(), shard.bytes = 0;
  if (shard.by_value.emplace(sealed.contents(), names).second) {
    shard.bytes += sealed.size() + static_cast<std::int64_t>(names->digests.size() * sizeof(Digest)) + kOverheadBytes;
  }
  return names;
}

std::shared_ptr<const RocksCompleteResults::Names> RocksCompleteResults::Read(const Digest& action,
                                                                              const Bytes& sealed) {
  const std::string_view serialized = BytesOfResult(*sealed.contents());
  ActionCache::ActionResult result;
  if (!result.ParseFromArray(serialized.data(), static_cast<int>(serialized.size()))) return nullptr;
  if (HasLargeTree(result)) return nullptr;
  absl::StatusOr<std::vector<Digest>> digests = BlobsNeededBy(action, result, blobs_);
  if (!digests.ok() || digests->size() > kDigestsMax) return nullptr;
  return std::make_shared<const Names>(
      Names{sealed, *std::move(digests), result.has_stdout_digest() || result.has_stderr_digest()});
}

}  // namespace smelt
