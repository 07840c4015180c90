#include "src/store/rocks/committer.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/notification.h"
#include "src/base/kill_point.h"
#include "src/base/short_slices.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

using Family = RocksDatabase::Family;

constexpr std::int64_t kGroupBytes = 4 << 20;

}  // namespace

Family Committer::FamilyOf(Place place) {
  if (place == Place::kResult) return Family::kActions;
  return place == Place::kTree ? Family::kTreeBlobs : Family::kBlobDb;
}

// Entries on their way into one batch.
class Committer::Group {
 public:
  explicit Group(Committer& committer) : committer_(committer), batch_(committer.database_) {}

  // Takes the entry's claim and room for it, and keeps them as long as the group lives, which is not longer than the
  // entry.
  absl::Status Stage(const Entry& entry) {
    PresenceIndex::Claim claim = entry.uses->index().Wait(entry.presence);
    if (entry.kind == Outbox::Kind::kBlob && UseIfHere(claim, entry)) return absl::OkStatus();
    ASSIGN_OR_RETURN(Space::Room room, committer_.space_.Admit(entry.size));
    rooms_.push_back(std::move(room));
    claims_.push_back(std::move(claim));
    StageClaimed(claims_.back(), entry);
    return absl::OkStatus();
  }

  // Both live longer than the group.
  void StageClaimed(const PresenceIndex::Claim& claim, const Entry& entry) {
    if (entry.place != Place::kFile) batch_.Put(FamilyOf(entry.place), entry.key, *entry.value.contents());
    Staged staged{.claim = &claim, .entry = &entry};
    staged.row = entry.uses->Begin(entry.place, entry.size, entry.key, batch_);
    (entry.kind == Outbox::Kind::kBlob ? blobs_ : results_) = true;
    synced_ = synced_ || !entry.fetched;
    if (committer_.outbox_ != nullptr && !entry.fetched) {
      staged.ticket.emplace(committer_.outbox_->Add(batch_, entry.kind, entry.instance, entry.digest, entry.size));
    }
    staged_.push_back(std::move(staged));
  }

  absl::Status Write(RocksDatabase::Durability durability) {
    if (batch_.empty()) return absl::OkStatus();
    if (!synced_) durability = RocksDatabase::Durability::kProcess;
    if (blobs_) SMELT_KILL_POINT("rocks.put.before_batch");
    if (results_) SMELT_KILL_POINT("rocks.action.before_batch");
    RETURN_IF_ERROR(committer_.space_.Note(committer_.database_.Write(batch_, durability)));
    if (blobs_) SMELT_KILL_POINT("rocks.put.after_batch");
    if (results_) SMELT_KILL_POINT("rocks.action.after_batch");
    for (Staged& staged : staged_) Show(staged);
    return absl::OkStatus();
  }

 private:
  struct Staged {
    const PresenceIndex::Claim* claim;
    const Entry* entry;
    PresenceIndex::Entry row;
    std::optional<RocksOutbox::Ticket> ticket;
  };

  static bool UseIfHere(const PresenceIndex::Claim& claim, const Entry& entry) {
    const auto here = claim.Get();
    if (!here.has_value() || static_cast<std::int64_t>(here->bytes) != entry.size) return false;
    return entry.uses->Use(entry.presence, [&] { return entry.key; }).has_value();
  }

  static void Show(Staged& staged) {
    staged.row.pending = staged.ticket.has_value() ? 1 : 0;
    if (staged.ticket.has_value()) staged.ticket->Written(staged.entry->size);
    if (RecentValues* recent = staged.entry->recent) recent->Replace(staged.entry->recent_key, staged.entry->value);
    staged.claim->Set(staged.row);
  }

  Committer& committer_;
  RocksDatabase::Batch batch_;
  bool blobs_ = false, results_ = false, synced_ = false;
  std::deque<PresenceIndex::Claim> claims_;  // whose addresses stay
  std::deque<Space::Room> rooms_;
  std::deque<Staged> staged_;
};

Committer::Committer(RocksDatabase& database, RocksOutbox* outbox, Space& space, Gate& gate)
    : database_(database), outbox_(outbox), space_(space), gate_(gate), thread_([this] { Run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Committer::Add(Entry entry, Done done) {
  std::unique_lock lock(mu_);
  if (waiting_.size() >= kWaitingMax) {
    lock.unlock();
    return done(absl::UnavailableError("the store has too much to write; try again"));
  }
  waiting_.push_back({.entry = std::move(entry), .done = std::move(done), .status = {}});
  const bool wake = std::exchange(idle_, false);
  lock.unlock();
  if (wake) wake_.notify_one();
}

absl::Status Committer::Put(Entry entry) {
  absl::Status result;
  absl::Notification committed;
  Add(std::move(entry), [&](absl::Status status) {
    result = std::move(status);
    committed.Notify();
  });
  committed.WaitForNotification();
  return result;
}

absl::Status Committer::Commit(const PresenceIndex::Claim& claim, const Entry& entry,
                               RocksDatabase::Durability durability) {
  Group group(*this);
  group.StageClaimed(claim, entry);
  return group.Write(durability);
}

void Committer::Run() {
  RunInShortSlices();
  for (;;) {
    std::vector<Waiting> group = TakeGroup();
    if (group.empty()) return;
    CommitGroup(group);
    for (Waiting& each : group) each.done(std::move(each.status));
  }
}

// What waits, as far as no key is there twice: a group claims each of its keys once. Empty at the end.
std::vector<Committer::Waiting> Committer::TakeGroup() {
  std::vector<Waiting> group;
  absl::flat_hash_set<PresenceIndex::Key> keys;
  std::int64_t bytes = 0;
  std::unique_lock lock(mu_);
  idle_ = true;
  wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
  idle_ = false;
  while (!waiting_.empty() && bytes < kGroupBytes && keys.insert(waiting_.front().entry.presence).second) {
    bytes += waiting_.front().entry.size;
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return group;
}

void Committer::CommitGroup(std::vector<Waiting>& waiting) {
  const Gate::Pass pass = gate_.Enter();
  Group group(*this);
  for (Waiting& each : waiting) each.status = group.Stage(each.entry);
  const absl::Status written = group.Write(RocksDatabase::Durability::kMachine);
  for (Waiting& each : waiting) each.status.Update(written);
}

}  // namespace smelt
