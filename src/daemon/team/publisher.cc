#include "src/daemon/team/publisher.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "glog/logging.h"
#include "src/base/kill_point.h"
#include "src/base/parallel.h"
#include "src/base/status_macros.h"
#include "src/daemon/team/fetcher.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/store/result_digests.h"

namespace smelt {
namespace {

constexpr std::chrono::milliseconds kFirstPause{1000};
constexpr std::size_t kEntriesMax = 100'000;
constexpr std::size_t kNotedMax = 100'000;
constexpr std::size_t kTeamLetters = 16;
constexpr std::size_t kMadeAtOnce = 2;  // results: see TeamResult; it holds their metadata in memory

std::string TableKey(std::uint64_t number) { return fmt::format("{:020}", number); }

// "<action> <manifest>" or "<entry>"; with '?' behind it for what goes only if the team lacks it.
bool Parse(std::string_view text, Digest& action, Digest& manifest, bool& if_absent) {
  if_absent = text.ends_with('?');
  if (if_absent) text.remove_suffix(1);
  const std::size_t space = text.find(' ');
  absl::StatusOr<Digest> first = Digest::Parse(text.substr(0, space));
  manifest.size = -1;
  if (!first.ok()) return false;
  action = *first;
  if (space == std::string_view::npos) return true;
  absl::StatusOr<Digest> second = Digest::Parse(text.substr(space + 1));
  if (second.ok()) manifest = *second;
  return second.ok();
}

// It would fail for ever.
bool IsLost(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsDataLoss(status) || absl::IsInvalidArgument(status) ||
         absl::IsFailedPrecondition(status) || absl::IsOutOfRange(status);
}

// Somebody has to mend something first.
bool IsHopeless(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsUnauthenticated(status) || absl::IsUnimplemented(status);
}

// The first shapes of `manifest`, as many as a team's cache takes.
Manifest Fitting(Manifest manifest) {
  while (!reapi::CheckResultSize(EntryOf(manifest)).ok()) manifest.mutable_shapes()->RemoveLast();
  return manifest;
}

}  // namespace

Publisher::Publisher(SharedCache& shared, BlobStore& blobs, ActionCache& actions, Table& outbox, Table& published,
                     ProgramReferences& references, Counters& counters, Clock& clock, std::string directory)
    : shared_(shared),
      blobs_(blobs),
      actions_(actions),
      outbox_(outbox),
      published_(published),
      references_(references),
      counters_(counters),
      clock_(clock),
      directory_(std::move(directory)),
      team_(DigestOf(shared.State().where).Hex().substr(0, kTeamLetters)) {
  Load();
  thread_ = std::thread([this] { Run(); });
}

Publisher::~Publisher() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

void Publisher::Load() {
  absl::MutexLock lock(&mu_);
  std::vector<std::string> strange;
  outbox_.ForEach([&](std::string_view key, std::string_view value) {
    std::uint64_t number = 0;
    std::from_chars(key.data(), key.data() + key.size(), number);
    if (TableKey(number) == key) {
      entries_[number] = std::string(value);
    } else {
      strange.emplace_back(key);
    }
    return true;
  });
  for (const std::string& key : strange) outbox_.Delete(key).IgnoreError();
  if (!entries_.empty()) next_ = entries_.rbegin()->first + 1;
}

void Publisher::AddResult(const Digest& action, const Digest& manifest) {
  Add(action.ToString() + " " + manifest.ToString());
}

std::string Publisher::MarkerOf(const Digest& action) const { return team_ + " " + action.ToString(); }

bool Publisher::IsBelieved(std::string_view marker) {
  std::int64_t since = 0;
  std::from_chars(marker.data(), marker.data() + marker.size(), since);
  const std::int64_t now = clock_.NowNanos();
  return since >= 0 && since <= now && now - since < kBelievedNanos;
}

void Publisher::Mark(const Digest& action) {
  published_.Put(MarkerOf(action), std::to_string(clock_.NowNanos())).IgnoreError();
}

bool Publisher::IsFirstNote(const Digest& action) {
  absl::MutexLock lock(&mu_);
  if (noted_.size() > kNotedMax) noted_.clear();
  return noted_.insert(action).second;
}

bool Publisher::IsKnownThere(const Digest& action) {
  const std::optional<std::string> marker = published_.Get(MarkerOf(action));
  return marker && IsBelieved(*marker);
}

void Publisher::NoteHit(const Digest& action, const Digest& manifest, bool from_team) {
  if (!IsFirstNote(action)) return;
  if (from_team) return Mark(action);
  if (!IsKnownThere(action)) Add(fmt::format("{} {}?", action.ToString(), manifest.ToString()));
}

void Publisher::NoteEntry(const Digest& key) {
  if (IsFirstNote(key) && !IsKnownThere(key)) Add(key.ToString() + "?");
}

void Publisher::Prune(const std::function<bool()>& stop) {
  std::vector<std::string> gone;
  published_.ForEach([&](std::string_view key, std::string_view value) {
    const auto action = Digest::Parse(key.substr(std::min(key.size(), kTeamLetters + 1)));
    if (!action.ok() || !IsBelieved(value) || absl::IsNotFound(actions_.Get(*action).status())) gone.emplace_back(key);
    return !stop();
  });
  for (const std::string& key : gone) published_.Delete(key).IgnoreError();
}

void Publisher::AddEntry(const Digest& key) { Add(key.ToString()); }

void Publisher::Add(const std::string& text) {
  absl::MutexLock lock(&mu_);
  if (IsReadOnly()) return;
  if (entries_.size() >= kEntriesMax) Forget(entries_.begin()->first);
  const std::uint64_t number = next_++;
  outbox_.Put(TableKey(number), text).IgnoreError();
  entries_[number] = text;
}

void Publisher::Forget(std::uint64_t number) {
  entries_.erase(number);
  outbox_.Delete(TableKey(number)).IgnoreError();
}

Publisher::Backlog Publisher::Pending() {
  absl::MutexLock lock(&mu_);
  return {static_cast<std::int64_t>(entries_.size()), problem_};
}

absl::Status Publisher::Flush(std::chrono::milliseconds timeout, const std::function<bool(const Backlog&)>& waiting) {
  const absl::Time deadline = absl::Now() + absl::FromChrono(timeout);
  absl::MutexLock lock(&mu_);
  const std::uint64_t end = next_;
  const std::int64_t rounds = rounds_;
  retry_now_ = true;
  auto gone = [&] { return entries_.empty() || entries_.begin()->first >= end; };
  while (!mu_.AwaitWithDeadline(absl::Condition(&gone), std::min(deadline, absl::Now() + absl::Seconds(1)))) {
    if (hopeless_ && rounds_ > rounds) return NotUploaded(absl::StatusCode::kFailedPrecondition);
    if (absl::Now() >= deadline) return NotUploaded(absl::StatusCode::kDeadlineExceeded);
    retry_now_ = true;
    const Backlog left = {static_cast<std::int64_t>(entries_.size()), problem_};
    mu_.Unlock();
    const bool go_on = waiting(left);
    mu_.Lock();
    if (!go_on) return absl::CancelledError("nobody waits any more");
  }
  return IsReadOnly() ? absl::PermissionDeniedError(problem_) : absl::OkStatus();
}

bool Publisher::IsReadOnly() { return refused_ns_ && clock_.NanosSince(*refused_ns_) < kReadOnlyNanos; }

absl::Status Publisher::NotUploaded(absl::StatusCode code) {
  return absl::Status(code, fmt::format("{} results have not been uploaded{}{}", entries_.size(),
                                        problem_.empty() ? "" : ": ", problem_));
}

// False when it is time to end.
bool Publisher::AwaitWork() {
  absl::MutexLock lock(&mu_);
  auto hurried = [&] { return stopping_ || retry_now_; };
  if (pause_.count() > 0) mu_.AwaitWithTimeout(absl::Condition(&hurried), absl::FromChrono(pause_));
  auto ready = [&] { return stopping_ || !entries_.empty(); };
  mu_.Await(absl::Condition(&ready));
  retry_now_ = false;
  return !stopping_;
}

void Publisher::Run() {
  while (AwaitWork()) {
    std::vector<Entry> batch = NextBatch();
    Finish(batch, Publish(batch));
  }
}

std::vector<Publisher::Entry> Publisher::NextBatch() {
  std::vector<Entry> batch;
  absl::MutexLock lock(&mu_);
  for (auto at = entries_.begin(); at != entries_.end() && batch.size() < kBatchMax; ++at) {
    Entry& entry = batch.emplace_back();
    entry.number = at->first;
    if (!Parse(at->second, entry.action, entry.manifest, entry.if_absent)) {
      entry.status = absl::NotFoundError("not an entry");
    }
  }
  return batch;
}

// False if it has left the local store.
bool Publisher::Prepare(Entry& entry) {
  if (!entry.status.ok()) return false;
  auto result = actions_.Get(entry.action);
  if (!result.ok()) {
    entry.status = absl::NotFoundError("no longer here");
    return false;
  }
  entry.result = *std::move(result);
  return true;
}

absl::StatusOr<TeamResult> Publisher::MadeOnce(const Entry& entry) {
  if (stopping_) return absl::CancelledError("the daemon ends");
  {
    absl::MutexLock lock(&mu_);
    if (const auto made = made_.find(entry.action); made != made_.end()) return made->second;
  }
  ASSIGN_OR_RETURN(TeamResult team, ToTeam(entry.result, blobs_, references_, directory_));
  absl::MutexLock lock(&mu_);
  return made_.insert_or_assign(entry.action, std::move(team)).first->second;
}

absl::Status Publisher::MakeForTeam(Entry& entry) {
  ASSIGN_OR_RETURN(TeamResult team, MadeOnce(entry));
  RETURN_IF_ERROR(reapi::CheckResultSize(team.result));
  ASSIGN_OR_RETURN(entry.blobs, DigestsIn(team.result));
  entry.result = std::move(team.result);
  entry.splices = std::move(team.splices);
  entry.differences = std::move(team.differences);
  return absl::OkStatus();
}

// What the team has had all along is done with.
void Publisher::DropPresent(std::vector<Entry>& batch) {
  ParallelFor(batch.size(), kUploadsAtOnce, [&](std::size_t i) {
    Entry& entry = batch[i];
    if (!entry.if_absent || !entry.status.ok() || !shared_.actions().Get(entry.action).ok()) return;
    Mark(entry.action);
    entry.status = absl::NotFoundError("the team has it");
  });
}

absl::Status Publisher::Publish(std::vector<Entry>& batch) {
  for (Entry& entry : batch) Prepare(entry);
  RETURN_IF_ERROR(shared_.Reach());
  if (!shared_.State().writable) {
    return absl::PermissionDeniedError(fmt::format("{} lets us only read", shared_.State().where));
  }
  DropPresent(batch);
  ParallelFor(batch.size(), kMadeAtOnce, [&](std::size_t i) {
    if (batch[i].status.ok()) batch[i].status = MakeForTeam(batch[i]);
  });
  RETURN_IF_ERROR(UploadBlobs(batch));
  SMELT_KILL_POINT("publish.before_results");
  ParallelFor(batch.size(), kUploadsAtOnce, [&](std::size_t i) {
    if (batch[i].status.ok()) batch[i].status = shared_.actions().Put(batch[i].action, batch[i].result);
  });
  SMELT_KILL_POINT("publish.before_manifests");
  std::set<Digest> manifests;
  for (const Entry& entry : batch) {
    if (entry.status.ok() && entry.manifest.size >= 0) manifests.insert(entry.manifest);
  }
  const std::vector<Digest> keys(manifests.begin(), manifests.end());
  std::vector<absl::Status> statuses(keys.size());
  ParallelFor(keys.size(), kUploadsAtOnce, [&](std::size_t i) { statuses[i] = PublishManifest(keys[i]); });
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  return shared_.Flush();
}

Publisher::Parts Publisher::PartsOf(const std::vector<Entry>& batch) {
  Parts parts;
  for (const Entry& entry : batch) {
    for (const Splice& splice : entry.splices) parts.rests.emplace(splice.rest, splice);
    for (const Difference& difference : entry.differences) parts.frames.emplace(difference.frame, difference.bytes);
  }
  return parts;
}

absl::StatusOr<Bytes> Publisher::BytesFor(const Digest& blob, const Parts& parts) {
  if (const auto frame = parts.frames.find(blob); frame != parts.frames.end()) return frame->second;
  const auto rest = parts.rests.find(blob);
  if (rest == parts.rests.end()) return blobs_.Get(blob);
  ASSIGN_OR_RETURN(const Bytes whole, blobs_.Get(rest->second.whole));
  return RestOf(rest->second, whole, directory_);
}

absl::Status Publisher::UploadBlobs(std::vector<Entry>& batch) {
  std::vector<Digest> needed;
  const Parts parts = PartsOf(batch);
  for (const Entry& entry : batch) {
    if (!entry.status.ok()) continue;
    needed.insert(needed.end(), entry.blobs.begin(), entry.blobs.end());
  }
  ASSIGN_OR_RETURN(const std::vector<Digest> missing, shared_.blobs().FindMissing(needed));
  std::vector<absl::Status> statuses(missing.size());
  ParallelFor(missing.size(), kUploadsAtOnce, [&](std::size_t i) {
    if (stopping_) {
      statuses[i] = absl::CancelledError("the daemon ends");
      return;
    }
    absl::StatusOr<Bytes> bytes = BytesFor(missing[i], parts);
    statuses[i] = bytes.ok() ? shared_.blobs().Put(missing[i], *std::move(bytes)) : bytes.status();
  });
  std::map<Digest, absl::Status> failed;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    if (!statuses[i].ok()) failed.emplace(missing[i], statuses[i]);
  }
  for (Entry& entry : batch) {
    for (const Digest& blob : entry.blobs) {
      if (auto found = failed.find(blob); found != failed.end() && entry.status.ok()) entry.status = found->second;
    }
  }
  return absl::OkStatus();
}

absl::Status Publisher::PublishManifest(const Digest& key) {
  auto local = actions_.Get(key);
  if (!local.ok()) return absl::OkStatus();
  auto theirs = shared_.actions().Get(key);
  if (!theirs.ok() && !absl::IsNotFound(theirs.status())) return theirs.status();
  const Manifest known = theirs.ok() ? ManifestIn(*theirs) : Manifest();
  const Manifest mine = ManifestIn(*local);
  if (Merge(known, mine, 2 * kShapesMax).shapes_size() == known.shapes_size()) return absl::OkStatus();
  const Manifest merged = Fitting(Merge(mine, known, kShapesMax));
  if (merged.shapes().empty()) return absl::OkStatus();
  const absl::Status put = shared_.actions().Put(key, EntryOf(merged));
  return IsLost(put) ? absl::OkStatus() : put;
}

// What has gone is forgotten, and so is what never can; the rest waits. `status` becomes the first entry's if it is OK.
// True if there is any less to do.
bool Publisher::FinishEach(const std::vector<Entry>& batch, absl::Status& status) {
  const bool reached = status.ok();
  bool any = false;
  for (const Entry& entry : batch) {
    const bool gone = reached && entry.status.ok();
    if (gone) {
      counters_.Add("remote_results_published");
      Mark(entry.action);
    }
    if (gone || IsLost(entry.status)) {
      any = true;
      made_.erase(entry.action);
      Forget(entry.number);
    } else if (status.ok()) {
      status = entry.status;
    }
  }
  return any;
}

void Publisher::Finish(const std::vector<Entry>& batch, const absl::Status& status) {
  absl::Status worst = status;
  absl::MutexLock lock(&mu_);
  hopeless_ = !FinishEach(batch, worst) && IsHopeless(worst);
  ++rounds_;
  if (worst.ok()) {
    pause_ = {};
    problem_.clear();
    refused_ns_.reset();
    return;
  }
  if (problem_.empty()) LOG(WARNING) << "uploading: " << worst;
  problem_ = std::string(worst.message());
  pause_ = std::clamp<std::chrono::milliseconds>(2 * pause_, kFirstPause, kPauseMax);
  if (!absl::IsPermissionDenied(worst)) return;
  refused_ns_ = clock_.NowNanos();
  while (!entries_.empty()) Forget(entries_.begin()->first);
}

}  // namespace smelt
