#include "src/store/local/collector.h"

#include <algorithm>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

struct Use {
  std::int64_t seconds;
  Digest digest;
  friend auto operator<=>(const Use&, const Use&) = default;
};

// Those to go, least recently used first, so that `excess_bytes` go.
absl::StatusOr<std::vector<Use>> Choose(BlobIndex& index, std::int64_t excess_bytes) {
  std::vector<Use> uses;
  if (excess_bytes <= 0) return uses;
  RETURN_IF_ERROR(index.ForEachUse(
      [&](const Digest& digest, std::int64_t seconds) { uses.push_back({.seconds = seconds, .digest = digest}); }));
  std::sort(uses.begin(), uses.end());
  auto end = uses.begin();
  for (; end != uses.end() && excess_bytes > 0; ++end) excess_bytes -= end->digest.size;
  uses.erase(end, uses.end());
  return uses;
}

}  // namespace

absl::StatusOr<CollectionReport> Collector::Collect(std::int64_t target_bytes, bool dry_run) {
  const std::lock_guard lock(mu_);
  CollectionReport report{.bytes_before = index_.bytes()};
  ASSIGN_OR_RETURN(const std::vector<Use> chosen, Choose(index_, report.bytes_before - target_bytes));
  absl::flat_hash_set<Digest> going;
  for (const Use& use : chosen) going.insert(use.digest);
  if (!dry_run && !going.empty()) spares_.DropAll();
  if (!going.empty()) {
    SMELT_KILL_POINT("store.collect.before_actions");
    ASSIGN_OR_RETURN(report.actions_removed,
                     actions_.RemoveThatNeed([&](const Digest& digest) { return going.contains(digest); }, dry_run));
    SMELT_KILL_POINT("store.collect.after_actions");
  }
  report.bytes_after = report.bytes_before;
  for (const Use& use : chosen) {
    if (!dry_run) {
      BlobIndex::Entry entry = index_.Lock(use.digest);
      if (entry.LastTouch() > use.seconds) continue;
      RETURN_IF_ERROR(blob_files_.Drop(entry));
    }
    report.bytes_after -= use.digest.size;
    ++report.blobs_removed;
  }
  SMELT_KILL_POINT("store.collect.after_blobs");
  if (!dry_run) RETURN_IF_ERROR(blob_files_.RemoveStrays(index_));
  return report;
}

}  // namespace smelt
