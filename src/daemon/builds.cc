#include "src/daemon/builds.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "glog/logging.h"

namespace smelt {
namespace {

constexpr std::int64_t kNanosPerDay = 86'400'000'000'000;
constexpr std::size_t kPlacesMax = 10'000;

}  // namespace

Builds::Builds(const TeamParts& team, ActionCache& actions, FileSystem& files, FileDigests& digests, Clock& clock)
    : team_(team), actions_(actions), files_(files), digests_(digests), clock_(clock) {
  thread_ = std::thread([this] { Run(); });
}

Builds::~Builds() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
  WriteNow();
}

void Builds::WriteNow() {
  std::map<Digest, Build> builds;
  {
    absl::MutexLock lock(&mu_);
    builds = builds_;
    for (auto& [key, build] : builds_) build.used.clear();
  }
  for (const auto& [key, build] : builds) Write(key, build);
}

// All units of a directory and kind have the same record.
std::string Builds::PlaceOf(const Unit& unit) {
  return fmt::format("{}\n{}\n{}\n{}", unit.Absolute(unit.invocation.out_dir), unit.invocation.target,
                     unit.invocation.Emits("link"), unit.toolchain->root.Hex());
}

// Looked for once in a build.
std::optional<Digest> Builds::KeyOf(const Unit& unit, const std::function<CargoCall()>& cargo) {
  const std::string place = PlaceOf(unit);
  const std::int64_t now = clock_.NowNanos();
  {
    absl::MutexLock lock(&mu_);
    auto found = places_.find(place);
    if (found != places_.end() && now < found->second.until_ns) return found->second.key;
  }
  const std::optional<Digest> key = KeyOf(BuildOf(unit), FindLockfile(unit, cargo().directory, files_));
  absl::MutexLock lock(&mu_);
  if (places_.size() > kPlacesMax) places_.clear();
  places_[place] = {key, now + kPauseNanos};
  return key;
}

std::optional<Digest> Builds::KeyOf(const RecordedBuild& build, const std::optional<std::string>& lockfile) {
  if (!lockfile) return std::nullopt;
  const absl::StatusOr<FileDigest> digest = digests_.Of(*lockfile);
  if (!digest.ok()) return std::nullopt;
  return RecordKey(build, digest->digest);
}

void Builds::Expect() {
  absl::MutexLock lock(&mu_);
  expecting_ = true;
}

void Builds::Foresee(const Digest& compiler, const std::optional<std::string>& target, const CargoCall& cargo) {
  const std::optional<ForeseenBuild> build = ForeseeBuild(cargo);
  if (!build) return;
  const std::optional<Digest> key =
      KeyOf({compiler, target.value_or(build->target), build->profile, build->generates_code},
            FindLockfileAbove(build->directory, files_));
  if (key) NoteBegun(*key);
}

void Builds::NoteBegun(const Digest& key) {
  absl::MutexLock lock(&mu_);
  builds_[key].last_ns = clock_.NowNanos();
}

void Builds::Begin(const Unit& unit, const std::function<CargoCall()>& cargo) {
  if (const std::optional<Digest> key = KeyOf(unit, cargo)) NoteBegun(*key);
}

void Builds::Used(const Unit& unit, const Digest& action) {
  const std::string place = PlaceOf(unit);
  absl::MutexLock lock(&mu_);
  const auto found = places_.find(place);
  if (found == places_.end() || !found->second.key) return;
  Build& build = builds_[*found->second.key];
  build.last_ns = clock_.NowNanos();
  build.used.push_back({unit.manifest_key, action});
}

bool Builds::IsWork() {
  return stopping_ || expecting_ ||
         std::any_of(builds_.begin(), builds_.end(), [](const auto& b) { return !b.second.prefetched; });
}

// False when it is time to end.
bool Builds::AwaitWork(Work& work) {
  absl::MutexLock lock(&mu_);
  auto is_work = [this] { return IsWork(); };
  const absl::Duration longest = builds_.empty() ? absl::InfiniteDuration() : absl::Nanoseconds(kPauseNanos / 2);
  mu_.AwaitWithTimeout(absl::Condition(&is_work), longest);
  const std::int64_t now = clock_.NowNanos();
  if (std::exchange(expecting_, false) && (!reached_ns_ || now - *reached_ns_ > kPauseNanos)) {
    work.expected = true;
    reached_ns_ = now;
  }
  for (auto at = builds_.begin(); at != builds_.end();) {
    if (!at->second.prefetched) work.begun.push_back(at->first);
    at->second.prefetched = true;
    if (now - at->second.last_ns > kPauseNanos) {
      work.ended.insert(builds_.extract(at++));
    } else {
      ++at;
    }
  }
  return !stopping_;
}

void Builds::Run() {
  std::vector<std::thread> prefetches;
  for (bool more = true; more;) {
    Work work;
    more = AwaitWork(work);
    for (const auto& [key, build] : work.ended) Write(key, build);
    if (more && team_.fetcher && work.expected) {
      prefetches.emplace_back([this] { team_.shared->Reach().IgnoreError(); });
    }
    for (const Digest& key : work.begun) {
      if (more && team_.fetcher) prefetches.emplace_back([this, key] { Prefetch(key); });
    }
    if (prefetches.size() < 16) continue;
    for (std::thread& thread : prefetches) thread.join();
    prefetches.clear();
  }
  for (std::thread& thread : prefetches) thread.join();
}

bool Builds::IsAllHere(const std::vector<RecordedUnit>& units) {
  return !units.empty() &&
         std::all_of(units.begin(), units.end(), [&](const auto& unit) { return actions_.Get(unit.action).ok(); });
}

// The team's, unless this machine has one of which nothing is missing.
BuildRecord Builds::FindRecord(const Digest& key) {
  auto local = actions_.Get(key);
  BuildRecord mine = local.ok() ? RecordIn(*local) : BuildRecord();
  if (!team_.fetcher || IsAllHere(UnitsIn(mine))) return mine;
  auto theirs = team_.shared->actions().Get(key);
  return theirs.ok() ? RecordIn(*theirs) : mine;
}

void Builds::Prefetch(const Digest& key) {
  const BuildRecord record = FindRecord(key);
  actions_.Put(key, EntryOf(record)).IgnoreError();
  std::vector<RecordedUnit> units = UnitsIn(record);
  std::erase_if(units, [&](const RecordedUnit& unit) { return actions_.Get(unit.action).ok(); });
  if (units.empty()) return;
  LOG(INFO) << "a build begins: fetching " << units.size() << " results ahead of it";
  team_.fetcher->FetchAhead(units, stopping_);
}

void Builds::Write(const Digest& key, const Build& build) {
  if (build.used.empty()) return;
  auto local = actions_.Get(key);
  BuildRecord record = local.ok() ? RecordIn(*local) : BuildRecord();
  const bool is_new = Update(record, build.used, static_cast<std::int32_t>(clock_.NowNanos() / kNanosPerDay));
  if (is_new && !actions_.Put(key, EntryOf(record)).ok()) return;
  if (!team_.publisher) return;
  is_new ? team_.publisher->AddEntry(key) : team_.publisher->NoteEntry(key);
}

}  // namespace smelt
