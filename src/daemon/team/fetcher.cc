#include "src/daemon/team/fetcher.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "fmt/format.h"
#include "src/base/parallel.h"
#include "src/base/status_macros.h"
#include "src/reapi/bounded_parse.h"
#include "src/store/result_digests.h"

namespace smelt {
namespace {

// Beyond this the memory of what is absent, or was fetched, begins anew.
constexpr std::size_t kRememberedMax = 100'000;

// What a manifest stands for on the way: a bucket gives it with half a megabyte of what lies beside it.
constexpr std::int64_t kManifestBytes = 512 << 10;

constexpr std::size_t kHeldMax = 4;  // references: of build scripts, of proc macros, of two toolchains

// Several at once. The first error; what has not begun by then is left out, since the result is of no use.
template <typename Part, typename Transfer>
absl::Status ForAll(const std::vector<Part>& parts, const Transfer& transfer) {
  std::vector<absl::Status> statuses(parts.size());
  std::atomic<bool> failed = false;
  ParallelFor(parts.size(), Fetcher::kBlobsAtOnce, [&](std::size_t i) {
    if (!failed) statuses[i] = transfer(parts[i]);
    if (!statuses[i].ok()) failed = true;
  });
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

// What the team's parts made is not what they were said to make.
absl::Status WrongIsAbsent(const char* what, const absl::Status& put) {
  if (!absl::IsInvalidArgument(put) && !absl::IsDataLoss(put)) return put;
  return absl::NotFoundError(fmt::format("the team's parts of a {} are wrong: {}", what, std::string(put.message())));
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
  if (!reapi::ParseBounded(entry.stdout_raw(), manifest).ok()) manifest.Clear();
  return manifest;
}

ActionCache::ActionResult EntryOf(const Manifest& manifest) {
  ActionCache::ActionResult entry;
  entry.set_stdout_raw(manifest.SerializeAsString());
  return entry;
}

bool Fetcher::IsKnownAbsent(const Digest& key) {
  auto found = absent_since_ns_.find(key);
  return found != absent_since_ns_.end() && clock_.NanosSince(found->second) < kAbsentNanos;
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

void Fetcher::FetchAhead(const std::vector<RecordedUnit>& units, const std::atomic<bool>& stopping) {
  std::vector<Turns::Place> places;
  for (const RecordedUnit& unit : units) places.push_back(turns_.Begin(unit.action, /*at_once=*/false));
  std::thread manifests([&] {
    ParallelFor(units.size(), kManifestsAtOnce, [&](std::size_t i) {
      const Turns::Turn turn = turns_.Enter(places[i], kManifestBytes);
      if (!stopping) FetchManifest(units[i].manifest);
    });
  });
  ParallelFor(units.size(), kResultsAtOnce, [&](std::size_t i) {
    if (stopping) return turns_.End(units[i].action);
    Fetch(units[i].action, places[i]).status().IgnoreError();
  });
  manifests.join();
  ForgetReferences();
}

void Fetcher::ForgetReferences() {
  absl::MutexLock lock(&mu_);
  held_.clear();
}

absl::StatusOr<ActionCache::ActionResult> Fetcher::Transfer(const Digest& action, Turns::Place place) {
  ASSIGN_OR_RETURN(ActionCache::ActionResult stored, shared_.actions().Get(action));
  ASSIGN_OR_RETURN(TeamResult team, FromTeam(std::move(stored), references_));
  RETURN_IF_ERROR(TransferBlobs(team, place));
  RETURN_IF_ERROR(actions_.Put(action, team.result));
  absl::MutexLock lock(&mu_);
  if (fetched_.size() > kRememberedMax) fetched_.clear();
  fetched_.insert(action);
  return std::move(team.result);
}

// Once the blob is in the store nobody here has it open for writing, or it could not be run.
absl::Status Fetcher::TransferBlob(const Digest& digest, Turns::Place place) {
  return blobs_under_way_.Do(digest, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(Bytes bytes, GetInTurn(digest, place));
    return blobs_.Put(digest, std::move(bytes));
  });
}

absl::StatusOr<Bytes> Fetcher::GetInTurn(const Digest& digest, Turns::Place place) {
  const Turns::Turn turn = turns_.Enter(place, digest.size);
  return shared_.blobs().Get(digest);
}

absl::Status Fetcher::TransferRlib(const Splice& splice, Turns::Place place) {
  ASSIGN_OR_RETURN(const Bytes metadata, blobs_.Get(splice.metadata));
  ASSIGN_OR_RETURN(Bytes whole, [&] {
    const Turns::Turn turn = turns_.Enter(place, splice.rest.size);
    return shared_.GetWith(splice.rest, {splice.offset, metadata}, splice.whole, directory_);
  }());
  return WrongIsAbsent("rlib", blobs_.Put(splice.whole, std::move(whole)));
}

absl::StatusOr<Bytes> Fetcher::FindReference(const Digest& digest, Turns::Place place) {
  auto here = blobs_.Get(digest);
  if (here.ok()) return here;
  RETURN_IF_ERROR(TransferBlob(digest, place));
  here = blobs_.Get(digest);  // it may be on its way to a target directory
  return here.ok() ? here : shared_.blobs().Get(digest);
}

std::optional<Bytes> Fetcher::Held(const Digest& reference) {
  absl::MutexLock lock(&mu_);
  const auto held = held_.find(reference);
  return held == held_.end() ? std::nullopt : std::optional(held->second);
}

absl::StatusOr<Bytes> Fetcher::Reference(const Digest& digest, Turns::Place place) {
  if (auto held = Held(digest)) return *std::move(held);
  return references_under_way_.Do(digest, [&] { return FindReference(digest, place); });
}

absl::StatusOr<Bytes> Fetcher::Unpack(const Difference& difference, const Bytes& reference, const Bytes& frame) {
  std::optional<Bytes> from = Held(difference.reference);
  if (!from) {
    ASSIGN_OR_RETURN(from, InMemory(reference));
    absl::MutexLock lock(&mu_);
    if (held_.size() >= kHeldMax) held_.clear();
    held_.insert_or_assign(difference.reference, *from);
  }
  return ApplyDifference(difference, *from, frame, directory_);
}

absl::Status Fetcher::TransferProgram(const Difference& difference, Turns::Place place) {
  ASSIGN_OR_RETURN(const Bytes reference, Reference(difference.reference, place));
  ASSIGN_OR_RETURN(const Bytes frame, GetInTurn(difference.frame, place));
  absl::StatusOr<Bytes> whole = [&] {
    const absl::MutexLock lock(&unpacking_);
    return Unpack(difference, reference, frame);
  }();
  const absl::Status put = whole.ok() ? blobs_.Put(difference.whole, *std::move(whole)) : whole.status();
  if (!put.ok()) ForgetReferences();
  return WrongIsAbsent("program", put);
}

absl::Status Fetcher::TransferBlobs(const TeamResult& team, Turns::Place place) {
  ASSIGN_OR_RETURN(const std::vector<Digest> needed, DigestsIn(team.result));
  ASSIGN_OR_RETURN(std::vector<Digest> missing, blobs_.FindMissing(needed));
  std::vector<Splice> rlibs = team.splices;
  std::vector<Difference> programs = team.differences;
  const auto is_here = [&](const auto& part) { return std::erase(missing, part.whole) == 0; };
  std::erase_if(rlibs, is_here);
  std::erase_if(programs, is_here);
  RETURN_IF_ERROR(ForAll(missing, [&](const Digest& digest) { return TransferBlob(digest, place); }));
  RETURN_IF_ERROR(ForAll(programs, [&](const Difference& program) { return TransferProgram(program, place); }));
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
