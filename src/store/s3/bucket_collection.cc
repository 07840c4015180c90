#include "src/store/s3/bucket_collection.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "smelt/bucket/v1/bucket.pb.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/s3/bucket_log.h"
#include "src/store/s3/index_objects.h"
#include "src/store/s3/pack_use.h"

namespace smelt {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSettledSeconds = 3600;  // indexes younger than this are not merged
constexpr std::int64_t kMergedPayloadsMax = 100'000;
constexpr int kMergedMarksMax = 100'000;

// What all indexes say of a pack, but for its payloads.
struct PackState : PackUse {
  std::int64_t size = 0;
  bool described = false;

  bool IsThere() const { return size > 0; }
};
using Packs = std::map<std::string, PackState>;

// What is to be known of an index before it is merged.
struct IndexState {
  std::int64_t payloads = 0;
  std::vector<const std::string*> packs;  // the keys, in Packs
};

class Collection {
 public:
  Collection(ObjectStore& objects, Clock& clock, const BucketCollectionOptions& options)
      : objects_(objects), options_(options), log_(clock), index_objects_(objects, log_), now_ns_(clock.NowNanos()) {
    std::random_device random;
    writer_ = fmt::format("collect-{:08x}{:08x}", random(), random());
  }

  absl::StatusOr<BucketCollectionReport> Run() {
    RETURN_IF_ERROR(Load());
    RETURN_IF_ERROR(FindOrphans());
    FindExpired();
    Condemn();
    if (options_.dry_run) return report_;
    RETURN_IF_ERROR(WriteMarks());
    SMELT_KILL_POINT("s3.collect.condemned");
    RETURN_IF_ERROR(objects_.Delete(doomed_));
    SMELT_KILL_POINT("s3.collect.deleted");
    RETURN_IF_ERROR(Merge());
    return report_;
  }

 private:
  absl::Status Load() {
    constexpr int kRounds = 4;
    for (int round = 0; round < kRounds; ++round) {
      ASSIGN_OR_RETURN(const std::vector<std::string> keys, index_objects_.Keys(""));
      ASSIGN_OR_RETURN(const bool whole, LoadAll(keys));
      if (!whole) continue;  // somebody merges
      for (const auto& [key, pack] : packs_) {
        if (!pack.IsThere()) continue;
        ++report_.objects_before;
        report_.bytes_before += pack.size;
      }
      report_.indexes_before = report_.indexes_after = static_cast<std::int64_t>(keys.size());
      return absl::OkStatus();
    }
    return absl::AbortedError("s3: another collector is at work: try again later");
  }

  absl::StatusOr<bool> LoadAll(const std::vector<std::string>& keys) {
    report_.damaged_indexes = 0;
    for (const std::string& key : keys) {
      if (indexes_.contains(key)) continue;
      IndexState index;
      const auto add_pack = [&](bucket::v1::Pack& pack) { return AddPack(pack, index); };
      const auto add_mark = [&](bucket::v1::Mark& mark) { return AddMark(mark); };
      const absl::Status loaded = index_objects_.Load(key, {add_pack, add_mark});
      if (absl::IsNotFound(loaded)) return false;
      if (absl::IsDataLoss(loaded)) {
        ++report_.damaged_indexes;
        continue;
      }
      RETURN_IF_ERROR(loaded);
      indexes_[key] = std::move(index);
    }
    return true;
  }

  // Of all packs, or nothing is done: what is not known can be neither condemned nor merged.
  absl::StatusOr<Packs::iterator> StateOf(const std::string& key) {
    const auto [at, added] = packs_.try_emplace(key);
    constexpr std::int64_t kNodeBytes = sizeof(Packs::value_type) + 64;
    if (added) bytes_ += kNodeBytes + static_cast<std::int64_t>(key.size());
    if (bytes_ <= options_.index_bytes_max) return at;
    return absl::ResourceExhaustedError(fmt::format(
        "s3: the indexes name more packs than fit into {} bytes of memory, and nothing is collected before all are "
        "known: make index_memory larger",
        options_.index_bytes_max));
  }

  absl::Status AddPack(const bucket::v1::Pack& added, IndexState& index) {
    ASSIGN_OR_RETURN(const auto at, StateOf(added.key()));
    index.payloads += added.payloads_size();
    index.packs.push_back(&at->first);
    bytes_ += static_cast<std::int64_t>(sizeof(index.packs.front()));
    if (std::exchange(at->second.described, true)) return absl::OkStatus();
    at->second.size = added.size();
    at->second.sealed_ns = added.sealed_ns();
    return absl::OkStatus();
  }

  absl::Status AddMark(const bucket::v1::Mark& mark) {
    ASSIGN_OR_RETURN(const auto at, StateOf(mark.key()));
    at->second.Add(mark);
    return absl::OkStatus();
  }

  bool IsNamed(const std::string& key) const {
    const auto at = packs_.find(key);
    return at != packs_.end() && at->second.IsThere();
  }

  absl::Status FindOrphans() {
    for (const std::string_view prefix : {kPacksPrefix, kBlobsPrefix}) {
      ASSIGN_OR_RETURN(const std::vector<ObjectStore::Listed> listed, objects_.List(std::string(prefix), ""));
      for (const ObjectStore::Listed& object : listed) {
        if (IsNamed(object.key)) continue;
        ++report_.objects_before;
        report_.bytes_before += object.size;
        const std::int64_t age = now_ns_ / kSecond - object.modified_seconds;
        if (report_.damaged_indexes > 0 || age < options_.orphan_seconds) continue;
        ++report_.orphans;
        Doom(object.key, object.size);
      }
    }
    return absl::OkStatus();
  }

  void Doom(const std::string& key, std::int64_t size) {
    doomed_.push_back(key);
    ++report_.deleted;
    report_.deleted_bytes += size;
  }

  void FindExpired() {
    for (const auto& [key, pack] : packs_) {
      if (!pack.IsThere() || !pack.Condemned()) continue;
      if (now_ns_ - pack.condemned_ns >= options_.grace_seconds * kSecond) {
        Doom(key, pack.size);
        dead_.insert(key);
      } else {
        ++report_.waiting;
        report_.waiting_bytes += pack.size;
      }
    }
  }

  void Condemn() {
    std::vector<Packs::const_pointer> by_use;
    std::int64_t bytes = 0;
    for (const auto& entry : packs_) {
      if (!entry.second.IsThere() || entry.second.Condemned()) continue;
      by_use.push_back(&entry);
      bytes += entry.second.size;
    }
    std::sort(by_use.begin(), by_use.end(),
              [](const auto* a, const auto* b) { return a->second.LastUse() < b->second.LastUse(); });
    const std::int64_t surely_idle = options_.touch_after_seconds + options_.lease_seconds;
    for (const auto* entry : by_use) {
      const auto& [key, pack] = *entry;
      const std::int64_t idle = (now_ns_ - pack.LastUse()) / kSecond;
      const bool too_much = options_.max_bytes && bytes > *options_.max_bytes && idle > surely_idle;
      if (idle <= options_.max_age_seconds && !too_much) continue;
      bucket::v1::Mark& mark = *marks_.add_marks();
      mark.set_key(key);
      mark.set_condemned_ns(now_ns_);
      bytes -= pack.size;
      ++report_.condemned;
      report_.condemned_bytes += pack.size;
    }
  }

  absl::Status WriteMarks() { return marks_.marks_size() == 0 ? absl::OkStatus() : Write(marks_); }

  absl::Status Write(const bucket::v1::Index& index) {
    ++report_.indexes_after;
    return objects_.Put(IndexKey(now_ns_ + ++written_, writer_), Bytes(EncodeIndex(index)));
  }

  // Those that may be merged: settled, and not large already; or naming what has been deleted.
  std::vector<std::string> Mergeable() const {
    std::vector<std::string> keys;
    for (const auto& [key, index] : indexes_) {
      if (now_ns_ - TimeOfIndexKey(key) < kSettledSeconds * kSecond) continue;
      const bool names_dead = std::any_of(index.packs.begin(), index.packs.end(),
                                          [&](const std::string* pack) { return dead_.contains(*pack); });
      if (index.payloads < kMergedPayloadsMax / 2 || names_dead) keys.push_back(key);
    }
    return keys.size() >= options_.merge_from || !dead_.empty() ? keys : std::vector<std::string>();
  }

  // The packs that are named by indexes which stay.
  std::set<std::string> NamedOutside(const std::vector<std::string>& merged) const {
    std::set<std::string> named;
    for (const auto& [key, index] : indexes_) {
      if (std::binary_search(merged.begin(), merged.end(), key)) continue;
      for (const std::string* pack : index.packs) named.insert(*pack);
    }
    return named;
  }

  // Reads them once more, one after the other. None is deleted before all that they say has been written again.
  absl::Status Merge() {
    const std::vector<std::string> keys = Mergeable();
    if (keys.size() < 2 && dead_.empty()) return absl::OkStatus();
    std::set<std::string> packs, marked;
    bucket::v1::Index merged;
    std::int64_t payloads = 0;
    const auto add_pack = [&](bucket::v1::Pack& pack) -> absl::Status {
      if (dead_.contains(pack.key()) || !packs.insert(pack.key()).second) return absl::OkStatus();
      payloads += pack.payloads_size();
      *merged.add_packs() = std::move(pack);
      if (payloads < kMergedPayloadsMax) return absl::OkStatus();
      payloads = 0;
      return Write(std::exchange(merged, {}));
    };
    const auto add_mark = [&](bucket::v1::Mark& mark) { return marked.insert(mark.key()), absl::OkStatus(); };
    for (const std::string& key : keys) {
      const absl::Status loaded = index_objects_.Load(key, {add_pack, add_mark});
      if (absl::IsNotFound(loaded)) return absl::AbortedError("s3: another collector merges: try again later");
      RETURN_IF_ERROR(loaded);
    }
    RETURN_IF_ERROR(MergeMarks(marked, NamedOutside(keys), merged));
    if (merged.packs_size() > 0 || merged.marks_size() > 0) RETURN_IF_ERROR(Write(merged));
    SMELT_KILL_POINT("s3.collect.merged");
    RETURN_IF_ERROR(objects_.Delete(keys));
    report_.indexes_after -= static_cast<std::int64_t>(keys.size());
    return absl::OkStatus();
  }

  absl::Status MergeMarks(const std::set<std::string>& marked, const std::set<std::string>& elsewhere,
                          bucket::v1::Index& merged) {
    for (const std::string& key : marked) {
      const auto pack = packs_.find(key);
      if (!IsNamed(key) || (dead_.contains(key) && !elsewhere.contains(key))) continue;
      bucket::v1::Mark& mark = *merged.add_marks();
      mark.set_key(key);
      mark.set_used_ns(pack->second.used_ns);
      mark.set_condemned_ns(pack->second.condemned_ns);
      if (merged.marks_size() >= kMergedMarksMax) RETURN_IF_ERROR(Write(std::exchange(merged, {})));
    }
    return absl::OkStatus();
  }

  ObjectStore& objects_;
  const BucketCollectionOptions options_;
  BucketLog log_;
  IndexObjects index_objects_;
  const std::int64_t now_ns_;
  std::string writer_;
  std::int64_t written_ = 0;
  Packs packs_;
  std::map<std::string, IndexState> indexes_;
  std::int64_t bytes_ = 0;  // of both
  bucket::v1::Index marks_;
  std::vector<std::string> doomed_;  // keys to be deleted
  std::set<std::string> dead_;       // of them, packs that indexes name
  BucketCollectionReport report_;
};

}  // namespace

absl::StatusOr<BucketCollectionReport> CollectBucket(ObjectStore& objects, Clock& clock,
                                                     const BucketCollectionOptions& options) {
  const std::int64_t least = options.touch_after_seconds + options.lease_seconds;
  if (options.max_age_seconds < least) {
    return absl::InvalidArgumentError(fmt::format(
        "s3: a maximum age of {} s is less than the {} s for which uses need not be published: make it larger",
        options.max_age_seconds, least));
  }
  return Collection(objects, clock, options).Run();
}

}  // namespace smelt
