#include "src/daemon/fetcher.h"

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "fmt/format.h"
#include "src/base/parallel.h"
#include "src/base/status_macros.h"
#include "src/store/result_digests.h"

namespace smelt {
namespace {

// Beyond this the memory of what is absent, or was fetched, begins anew.
constexpr std::size_t kRememberedMax = 100'000;

// Several at once. The first error, when all have ended.
template <typename Part, typename Transfer>
absl::Status ForAll(const std::vector<Part>& parts, const Transfer& transfer) {
  std::vector<absl::Status> statuses(parts.size());
  ParallelFor(parts.size(), Fetcher::kBlobsAtOnce, [&](std::size_t i) { statuses[i] = transfer(parts[i]); });
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

bool Holds(const Manifest& manifest, const std::string& shape) {
  return std::any_of(manifest.shapes().begin(), manifest.shapes().end(),
                     [&](const Shape& other) { return other.SerializeAsString() == shape; });
}

}  // namespace

Manifest Merge(const Manifest& mine, const Manifest& theirs, int shapes_max) {
  Manifest merged = mine;
  for (const Shape& shape : theirs.shapes()) {
    if (merged.shapes_size() >= shapes_max) break;
    if (!Holds(merged, shape.SerializeAsString())) *merged.add_shapes() = shape;
  }
  return merged;
}

Manifest ManifestIn(const ActionCache::ActionResult& entry) {
  Manifest manifest;
  if (!manifest.ParseFromString(entry.stdout_raw())) manifest.Clear();
  return manifest;
}

ActionCache::ActionResult EntryOf(const Manifest& manifest) {
  ActionCache::ActionResult entry;
  entry.set_stdout_raw(manifest.SerializeAsString());
  return entry;
}

bool Fetcher::IsKnownAbsent(const Digest& key) {
  auto found = absent_since_ns_.find(key);
  return found != absent_since_ns_.end() && clock_.NowNanos() - found->second < kAbsentNanos;
}

absl::StatusOr<ActionCache::ActionResult> Fetcher::Join(
    const Digest& key, const std::function<absl::StatusOr<ActionCache::ActionResult>()>& fetch) {
  {
    absl::MutexLock lock(&mu_);
    if (IsKnownAbsent(key)) return absl::NotFoundError("the shared cache had no " + key.ToString());
  }
  return under_way_.Do(key, [&] {
    auto result = fetch();
    absl::MutexLock lock(&mu_);
    if (absent_since_ns_.size() > kRememberedMax) absent_since_ns_.clear();
    if (absl::IsNotFound(result.status())) absent_since_ns_[key] = clock_.NowNanos();
    return result;
  });
}

absl::StatusOr<ActionCache::ActionResult> Fetcher::FetchResult(const Digest& action) {
  return Fetch(action, turns_.Begin(action, /*at_once=*/true));
}

absl::StatusOr<ActionCache::ActionResult> Fetcher::Fetch(const Digest& action, Turns::Place place) {
  const absl::Cleanup end = [&] { turns_.End(action); };
  return Join(action, [&]() -> absl::StatusOr<ActionCache::ActionResult> {
    // Somebody else's fetch may have ended between the caller's look and this one.
    if (auto here = actions_.Get(action); here.ok()) return here;
    auto result = Transfer(action, place);
    if (result.ok()) counters_.Add("remote_results_fetched");
    if (absl::IsNotFound(result.status())) counters_.Add("remote_results_absent");
    return result;
  });
}

void Fetcher::FetchAhead(const std::vector<Digest>& actions, const std::atomic<bool>& stopping) {
  std::vector<Turns::Place> places;
  for (const Digest& action : actions) places.push_back(turns_.Begin(action, /*at_once=*/false));
  ParallelFor(actions.size(), kResultsAtOnce, [&](std::size_t i) {
    if (stopping) return turns_.End(actions[i]);
    Fetch(actions[i], places[i]).status().IgnoreError();
  });
}

absl::StatusOr<ActionCache::ActionResult> Fetcher::Transfer(const Digest& action, Turns::Place place) {
  ASSIGN_OR_RETURN(ActionCache::ActionResult stored, shared_.actions().Get(action));
  ASSIGN_OR_RETURN(SplicedResult spliced, FromTeam(std::move(stored)));
  RETURN_IF_ERROR(TransferBlobs(spliced, place));
  RETURN_IF_ERROR(actions_.Put(action, spliced.result));
  absl::MutexLock lock(&mu_);
  if (fetched_.size() > kRememberedMax) fetched_.clear();
  fetched_.insert(action);
  return std::move(spliced.result);
}

absl::Status Fetcher::TransferBlob(const Digest& digest, Turns::Place place) {
  ASSIGN_OR_RETURN(Bytes bytes, [&] {
    const Turns::Turn turn = turns_.Enter(place, digest.size);
    return shared_.blobs().Get(digest);
  }());
  return blobs_.Put(digest, std::move(bytes));
}

absl::Status Fetcher::TransferRlib(const Splice& splice, Turns::Place place) {
  ASSIGN_OR_RETURN(const Bytes metadata, blobs_.Get(splice.metadata));
  ASSIGN_OR_RETURN(Bytes whole, [&] {
    const Turns::Turn turn = turns_.Enter(place, splice.rest.size);
    return shared_.GetWith(splice.rest, {splice.offset, metadata}, splice.whole, directory_);
  }());
  const absl::Status put = blobs_.Put(splice.whole, std::move(whole));
  if (!absl::IsInvalidArgument(put)) return put;
  return absl::NotFoundError(fmt::format("the team's parts of an rlib are wrong: {}", std::string(put.message())));
}

absl::Status Fetcher::TransferBlobs(const SplicedResult& spliced, Turns::Place place) {
  ASSIGN_OR_RETURN(const std::vector<Digest> needed, DigestsIn(spliced.result));
  ASSIGN_OR_RETURN(std::vector<Digest> missing, blobs_.FindMissing(needed));
  std::vector<Splice> rlibs = spliced.splices;
  std::erase_if(rlibs, [&](const Splice& rlib) { return std::erase(missing, rlib.whole) == 0; });
  RETURN_IF_ERROR(ForAll(missing, [&](const Digest& digest) { return TransferBlob(digest, place); }));
  return ForAll(rlibs, [&](const Splice& rlib) { return TransferRlib(rlib, place); });  // they need their metadata
}

std::optional<Manifest> Fetcher::FetchManifest(const Digest& key) {
  auto local = actions_.Get(key);
  const Manifest mine = local.ok() ? ManifestIn(*local) : Manifest();
  auto entry = Join(key, [&] { return shared_.actions().Get(key); });
  if (!entry.ok()) return std::nullopt;
  Manifest merged = Merge(mine, ManifestIn(*entry), 2 * kShapesMax);
  if (merged.shapes_size() == mine.shapes_size()) return std::nullopt;
  actions_.Put(key, EntryOf(merged)).IgnoreError();
  return merged;
}

bool Fetcher::TakeFetched(const Digest& action) {
  absl::MutexLock lock(&mu_);
  return fetched_.erase(action) > 0;
}

}  // namespace smelt
