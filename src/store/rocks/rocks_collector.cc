#include "src/store/rocks/rocks_collector.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/store/digest_key.h"
#include "src/store/rocks/rocks_action_caches.h"
#include "src/store/rocks/rocks_blob_store.h"

namespace smelt {
namespace {

using Durability = RocksDatabase::Durability;
using Entry = PresenceIndex::Entry;
using Family = RocksDatabase::Family;

// Entries that go in one batch.
constexpr std::size_t kBatchEntries = 256;

bool IsFree(const Uses& uses, const Entry& entry) { return entry.pending == 0 && !uses.IsLeased(entry); }

}  // namespace

// What goes: all that was last used before `cutoff`, and of that second as much as `last_second_bytes`.
struct RocksCollector::Plan {
  std::int64_t cutoff = -1;
  std::int64_t last_second_bytes = 0;
  std::int64_t bytes = 0;                      // that went
  std::int64_t next_free_seconds = INT64_MAX;  // when the next lease ends of what waits for nothing else

  bool Wants(const Entry& entry) const {
    return entry.used < cutoff || (entry.used == cutoff && last_second_bytes > 0);
  }
  void Take(const Entry& entry) {
    const auto size = static_cast<std::int64_t>(entry.bytes);
    bytes += size;
    if (entry.used == cutoff) last_second_bytes -= std::max<std::int64_t>(size, 1);
  }
};

RocksCollector::Plan RocksCollector::Choose(std::int64_t target_bytes) {
  Plan plan;
  std::int64_t excess = blobs_.index().bytes() + actions_.index().bytes() - target_bytes;
  absl::flat_hash_map<std::int64_t, std::int64_t> bytes_by_second;
  for (Uses* uses : {&actions_, &blobs_}) {
    uses->index().ForEach([&](const PresenceIndex::Key&, const Entry& entry) {
      if (IsFree(*uses, entry)) {
        bytes_by_second[entry.used] += static_cast<std::int64_t>(entry.bytes);
      } else if (entry.pending == 0) {
        plan.next_free_seconds = std::min(plan.next_free_seconds, entry.used + uses->lease_seconds());
      }
    });
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> seconds(bytes_by_second.begin(), bytes_by_second.end());
  std::sort(seconds.begin(), seconds.end());
  for (const auto& [second, bytes] : seconds) {
    if (excess <= 0) break;
    plan.cutoff = second;
    plan.last_second_bytes = excess;
    excess -= bytes;
  }
  return plan;
}

absl::StatusOr<RocksStore::CollectionReport> RocksCollector::Collect(std::int64_t target_bytes, bool dry_run) {
  const std::lock_guard lock(mu_);
  RocksStore::CollectionReport report;
  report.bytes_before = blobs_.index().bytes() + actions_.index().bytes();
  Plan plan = Choose(target_bytes);
  SMELT_KILL_POINT("rocks.collect.before_actions");
  ASSIGN_OR_RETURN(report.actions_removed, EvictFrom(actions_, plan, dry_run));
  SMELT_KILL_POINT("rocks.collect.before_blobs");
  ASSIGN_OR_RETURN(report.blobs_removed, EvictFrom(blobs_, plan, dry_run));
  SMELT_KILL_POINT("rocks.collect.after_blobs");
  report.bytes_after = report.bytes_before - plan.bytes;
  if (!dry_run && plan.bytes == 0) useless_until_ = plan.next_free_seconds;
  return report;
}

absl::Status RocksCollector::CollectIfUseful(std::int64_t target_bytes) {
  if (blobs_.Now() < useless_until_) return absl::OkStatus();
  return Collect(target_bytes, /*dry_run=*/false).status();
}

PresenceIndex::Key RocksCollector::KeyOf(const Uses& uses, std::string_view row_key) const {
  if (uses.rows() == Family::kActionRows) return ActionPresenceKey(row_key);
  const auto digest = DigestOfKey(row_key);
  return digest.has_value() ? PresenceIndex::KeyOf(*digest) : PresenceIndex::Key{};
}

absl::StatusOr<std::int64_t> RocksCollector::EvictFrom(Uses& uses, Plan& plan, bool dry_run) {
  if (plan.cutoff < 0) return 0;
  std::int64_t removed = 0;
  if (dry_run) {
    uses.index().ForEach([&](const PresenceIndex::Key&, const Entry& entry) {
      if (!IsFree(uses, entry) || !plan.Wants(entry)) return;
      plan.Take(entry);
      ++removed;
    });
    return removed;
  }
  std::vector<std::string> keys;
  absl::Status evicted;
  RETURN_IF_ERROR(database_.ForEach(uses.rows(), "", "", [&](std::string_view key, std::string_view) {
    keys.emplace_back(key);
    if (keys.size() < kBatchEntries) return true;
    const auto count = Evict(uses, keys, plan);
    keys.clear();
    evicted = count.status();
    removed += count.value_or(0);
    return evicted.ok();
  }));
  RETURN_IF_ERROR(evicted);
  ASSIGN_OR_RETURN(const std::int64_t rest, Evict(uses, keys, plan));
  return removed + rest;
}

absl::StatusOr<std::int64_t> RocksCollector::Evict(Uses& uses, const std::vector<std::string>& row_keys, Plan& plan) {
  std::vector<PresenceIndex::Taken> taken;  // claimed until the database and the files have let go too
  std::vector<Digest> files;
  RocksDatabase::Batch batch(database_);
  for (const std::string& row_key : row_keys) {
    auto one = uses.index().TakeOut(KeyOf(uses, row_key),
                                    [&](const Entry& entry) { return IsFree(uses, entry) && plan.Wants(entry); });
    if (!one.has_value()) continue;
    plan.Take(one->entry);
    last_idle_seconds_ = uses.Now() - one->entry.used;
    const auto place = static_cast<Place>(one->entry.place);
    if (place == Place::kResult) {
      batch.Delete(Family::kActions, row_key);
      batch.Delete(Family::kActionRows, row_key);
    } else {
      RocksBlobStore::DeleteFrom(batch, *DigestOfKey(row_key), place);
      if (place == Place::kFile) files.push_back(*DigestOfKey(row_key));
    }
    taken.push_back(*std::move(one));
  }
  if (taken.empty()) return 0;
  SMELT_KILL_POINT("rocks.evict.before_files");
  // First, since this makes room for the batch where there is none. A row without a file is dropped at the next start.
  for (const Digest& digest : files) RETURN_IF_ERROR(files_.Remove(digest));
  SMELT_KILL_POINT("rocks.evict.before_batch");
  const absl::Status written = database_.Write(batch, Durability::kProcess);
  SMELT_KILL_POINT("rocks.evict.after_batch");
  if (written.ok()) return static_cast<std::int64_t>(taken.size());
  for (const PresenceIndex::Taken& one : taken) {
    if (static_cast<Place>(one.entry.place) != Place::kFile) one.claim.Set(one.entry);
  }
  return written;
}

}  // namespace smelt
