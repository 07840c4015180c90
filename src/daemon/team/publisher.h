#ifndef SMELT_DAEMON_TEAM_PUBLISHER_H_
#define SMELT_DAEMON_TEAM_PUBLISHER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "src/base/clock.h"
#include "src/base/table.h"
#include "src/daemon/counters.h"
#include "src/daemon/team/team_results.h"
#include "src/digest/digest.h"
#include "src/store/action_cache.h"
#include "src/store/blob_store.h"
#include "src/store/shared_cache.h"

namespace smelt {

// Takes results to the team's cache, behind the build: a durable list of what is still to go, and a thread that works
// through it. Of a result its missing blobs go first, then the result, then the manifest with the shapes that the team
// knew already, so that nobody ever finds a name without what it names. Thread-safe.
//
// What cannot go now (no network) stays and is tried again, after a pause that doubles up to kPauseMax; what has left
// the local store meanwhile is forgotten. Where we may only read, all is forgotten, and what is added within
// kReadOnlyNanos as well.
class Publisher {
 public:
  static constexpr std::size_t kBatchMax = 64;      // results whose blobs are asked for together
  static constexpr std::size_t kUploadsAtOnce = 8;  // blobs
  static constexpr std::chrono::seconds kPauseMax{60};

  // So long after a refusal nothing is tried.
  static constexpr std::int64_t kReadOnlyNanos = 60LL * 1'000'000'000;

  // How long it is believed that the team has a result, once it had it.
  static constexpr std::int64_t kBelievedNanos = 7LL * 24 * 3600 * 1'000'000'000;

  // All outlive this. What `outbox` has kept is taken up again; `published` remembers which results this team has.
  // Parts of blobs lie in files of `directory` while they go; empty: TMPDIR, else /tmp.
  Publisher(SharedCache& shared, BlobStore& blobs, ActionCache& actions, Table& outbox, Table& published,
            ProgramReferences& references, Counters& counters, Clock& clock, std::string directory = {});

  // Finishes the blob transfers under way; the rest stays in the table.
  ~Publisher();

  // Returns once it is in the table.
  void AddResult(const Digest& action, const Digest& manifest);

  // There was a hit of it. It goes to the team unless the team is known to have it: what was stored before there was a
  // team, or under another one. `from_team`: it has just come from there. Cheap enough for every hit.
  void NoteHit(const Digest& action, const Digest& manifest, bool from_team);

  // Forgets what is known of results that have left the local store, and what is not believed any more.
  void Prune(const std::function<bool()>& stop);

  // An entry of the local action cache that needs no blobs and replaces what the team has: see BuildRecords.
  void AddEntry(const Digest& key);

  // Such an entry was used as it was. It goes to the team if the team has none: as NoteHit.
  void NoteEntry(const Digest& key);

  struct Backlog {
    std::int64_t entries = 0;
    std::string problem;  // why the last attempt failed; empty if it did not
  };
  Backlog Pending();

  // Waits until all that was added before has gone, and then returns OK. DEADLINE_EXCEEDED, with the problem, if that
  // takes longer than `timeout`; FAILED_PRECONDITION, with the problem, when an attempt has just failed for a reason
  // that waiting does not mend; PERMISSION_DENIED where we may only read and something was dropped lately; CANCELLED
  // when `waiting`, called about once a second with what is left, returns false.
  absl::Status Flush(std::chrono::milliseconds timeout, const std::function<bool(const Backlog&)>& waiting);

 private:
  struct Entry {
    std::uint64_t number = 0;
    Digest action;    // or the entry, if there is no manifest
    Digest manifest;  // size -1: none
    bool if_absent = false;
    ActionCache::ActionResult result;  // as it is here, then as the team gets it
    std::vector<Digest> blobs;         // of that
    std::vector<Splice> splices;
    std::vector<Difference> differences;
    absl::Status status;
  };

  std::string MarkerOf(const Digest& action) const;
  bool IsBelieved(std::string_view marker);
  bool IsFirstNote(const Digest& action);
  bool IsKnownThere(const Digest& action);
  void Mark(const Digest& action);
  void DropPresent(std::vector<Entry>& batch);
  void Load();
  void Add(const std::string& text);
  void Run();
  bool AwaitWork();
  std::vector<Entry> NextBatch();
  absl::Status Publish(std::vector<Entry>& batch);
  bool Prepare(Entry& entry);
  absl::Status MakeForTeam(Entry& entry);
  // What travels and is no blob of the local store.
  struct Parts {
    std::map<Digest, Splice> rests;
    std::map<Digest, Bytes> frames;
  };
  static Parts PartsOf(const std::vector<Entry>& batch);
  absl::StatusOr<TeamResult> MadeOnce(const Entry& entry);
  absl::StatusOr<Bytes> BytesFor(const Digest& blob, const Parts& parts);
  absl::Status UploadBlobs(std::vector<Entry>& batch);
  absl::Status PublishManifest(const Digest& key);
  bool IsReadOnly() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status NotUploaded(absl::StatusCode code) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool FinishEach(const std::vector<Entry>& batch, absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Finish(const std::vector<Entry>& batch, const absl::Status& status);
  void Forget(std::uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  SharedCache& shared_;
  BlobStore& blobs_;
  ActionCache& actions_;
  Table& outbox_;
  Table& published_;
  ProgramReferences& references_;
  Counters& counters_;
  Clock& clock_;
  const std::string directory_;
  const std::string team_;  // begins the keys of published_
  std::atomic<bool> stopping_ = false;

  absl::Mutex mu_;
  std::map<std::uint64_t, std::string> entries_ ABSL_GUARDED_BY(mu_);  // as in the table
  std::uint64_t next_ ABSL_GUARDED_BY(mu_) = 1;
  std::string problem_ ABSL_GUARDED_BY(mu_);
  std::map<Digest, TeamResult> made_ ABSL_GUARDED_BY(mu_);       // of results that did not go yet: not made again
  absl::flat_hash_set<Digest> noted_ ABSL_GUARDED_BY(mu_);       // hits that need not be looked at again
  std::optional<std::int64_t> refused_ns_ ABSL_GUARDED_BY(mu_);  // when we were told that we may only read
  std::int64_t rounds_ ABSL_GUARDED_BY(mu_) = 0;
  bool hopeless_ ABSL_GUARDED_BY(mu_) = false;  // the last round brought nothing there, nor would the next
  bool retry_now_ ABSL_GUARDED_BY(mu_) = false;
  std::chrono::milliseconds pause_ ABSL_GUARDED_BY(mu_){0};
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_PUBLISHER_H_
