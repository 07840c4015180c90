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
#include "src/store/s3/bucket_index.h"
#include "src/store/s3/index_reader.h"

namespace smelt {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSettledSeconds = 3600;  // indexes younger than this are not merged
constexpr int kMergedPayloadsMax = 100'000;

using PackState = BucketIndex::PackState;

// All indexes of a bucket, as they were at one moment.
struct Contents {
  std::map<std::string, bucket::v1::Index> indexes;
  std::map<std::string, PackState> packs;
  std::int64_t damaged = 0;
};

class Collection {
 public:
  Collection(ObjectStore& objects, Clock& clock, const BucketCollectionOptions& options)
      : objects_(objects),
        options_(options),
        log_(clock),
        reader_(objects, index_, clock, log_),
        now_ns_(clock.NowNanos()) {
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
      ASSIGN_OR_RETURN(const std::vector<std::string> keys, reader_.AllKeys());
      ASSIGN_OR_RETURN(const bool whole, LoadAll(keys));
      if (!whole) continue;  // somebody merges
      for (const PackState& pack : index_.Packs()) {
        if (pack.size > 0) contents_.packs[pack.key] = pack;
      }
      for (const auto& [key, pack] : contents_.packs) {
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
      if (contents_.indexes.contains(key)) continue;
      absl::StatusOr<bucket::v1::Index> index = reader_.Load(key);
      if (absl::IsNotFound(index.status())) return false;
      if (absl::IsDataLoss(index.status())) {
        ++report_.damaged_indexes;
        continue;
      }
      if (!index.ok()) return index.status();
      index_.Add(*index);
      contents_.indexes[key] = *std::move(index);
    }
    return true;
  }

  absl::Status FindOrphans() {
    for (const std::string_view prefix : {kPacksPrefix, kBlobsPrefix}) {
      ASSIGN_OR_RETURN(const std::vector<ObjectStore::Listed> listed, objects_.List(std::string(prefix), ""));
      for (const ObjectStore::Listed& object : listed) {
        if (contents_.packs.contains(object.key)) continue;
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
    for (const auto& [key, pack] : contents_.packs) {
      if (!pack.Condemned()) continue;
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
    std::vector<PackState> by_use;
    std::int64_t bytes = 0;
    for (const auto& [key, pack] : contents_.packs) {
      if (pack.Condemned()) continue;
      by_use.push_back(pack);
      bytes += pack.size;
    }
    std::sort(by_use.begin(), by_use.end(), [](const auto& a, const auto& b) { return a.LastUse() < b.LastUse(); });
    const std::int64_t surely_idle = options_.touch_after_seconds + options_.lease_seconds;
    for (const PackState& pack : by_use) {
      const std::int64_t idle = (now_ns_ - pack.LastUse()) / kSecond;
      const bool too_much = options_.max_bytes && bytes > *options_.max_bytes && idle > surely_idle;
      if (idle <= options_.max_age_seconds && !too_much) continue;
      bucket::v1::Mark& mark = *marks_.add_marks();
      mark.set_key(pack.key);
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
    for (const auto& [key, index] : contents_.indexes) {
      if (now_ns_ - TimeOfIndexKey(key) < kSettledSeconds * kSecond) continue;
      int payloads = 0;
      bool names_dead = false;
      for (const bucket::v1::Pack& pack : index.packs()) {
        payloads += pack.payloads_size();
        names_dead = names_dead || dead_.contains(pack.key());
      }
      if (payloads < kMergedPayloadsMax / 2 || names_dead) keys.push_back(key);
    }
    return keys.size() >= options_.merge_from || !dead_.empty() ? keys : std::vector<std::string>();
  }

  // The packs that are named by indexes which stay.
  std::set<std::string> NamedOutside(const std::vector<std::string>& merged) const {
    std::set<std::string> named;
    for (const auto& [key, index] : contents_.indexes) {
      if (std::binary_search(merged.begin(), merged.end(), key)) continue;
      for (const bucket::v1::Pack& pack : index.packs()) named.insert(pack.key());
    }
    return named;
  }

  absl::Status Merge() {
    const std::vector<std::string> keys = Mergeable();
    if (keys.size() < 2 && dead_.empty()) return absl::OkStatus();
    std::set<std::string> packs, marked;
    bucket::v1::Index merged;
    int payloads = 0;
    for (const std::string& key : keys) {
      for (bucket::v1::Pack& pack : *contents_.indexes[key].mutable_packs()) {
        if (dead_.contains(pack.key()) || !packs.insert(pack.key()).second) continue;
        payloads += pack.payloads_size();
        *merged.add_packs() = std::move(pack);
        if (payloads < kMergedPayloadsMax) continue;
        RETURN_IF_ERROR(Write(std::exchange(merged, {})));
        payloads = 0;
      }
      for (const bucket::v1::Mark& mark : contents_.indexes[key].marks()) marked.insert(mark.key());
    }
    const std::set<std::string> elsewhere = NamedOutside(keys);
    for (const std::string& key : marked) {
      const auto pack = contents_.packs.find(key);
      if (pack == contents_.packs.end() || (dead_.contains(key) && !elsewhere.contains(key))) continue;
      bucket::v1::Mark& mark = *merged.add_marks();
      mark.set_key(key);
      mark.set_used_ns(pack->second.used_ns);
      mark.set_condemned_ns(pack->second.condemned_ns);
    }
    if (merged.packs_size() > 0 || merged.marks_size() > 0) RETURN_IF_ERROR(Write(merged));
    SMELT_KILL_POINT("s3.collect.merged");
    RETURN_IF_ERROR(objects_.Delete(keys));
    report_.indexes_after -= static_cast<std::int64_t>(keys.size());
    return absl::OkStatus();
  }

  ObjectStore& objects_;
  const BucketCollectionOptions options_;
  BucketLog log_;
  BucketIndex index_;
  IndexReader reader_;
  const std::int64_t now_ns_;
  std::string writer_;
  std::int64_t written_ = 0;
  Contents contents_;
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
