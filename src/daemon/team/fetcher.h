#ifndef SMELT_DAEMON_TEAM_FETCHER_H_
#define SMELT_DAEMON_TEAM_FETCHER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "src/action/closure.h"
#include "src/base/clock.h"
#include "src/daemon/counters.h"
#include "src/daemon/team/recorded_unit.h"
#include "src/daemon/team/team_results.h"
#include "src/daemon/team/turns.h"
#include "src/digest/digest.h"
#include "src/store/action_cache.h"
#include "src/store/blob_store.h"
#include "src/store/shared_cache.h"
#include "src/store/shared_calls.h"

namespace smelt {

// Brings what the team's cache holds into the local store: manifests, and results with all their blobs. Whoever asks
// for what is on its way joins that; that something is not there is remembered for kAbsentNanos. Blobs are verified by
// the local store. Thread-safe; blocks.
class Fetcher {
 public:
  static constexpr std::int64_t kAbsentNanos = 30'000'000'000;
  static constexpr std::size_t kResultsAtOnce = 32;
  static constexpr std::size_t kManifestsAtOnce = 16;
  static constexpr std::size_t kBlobsAtOnce = 8;  // of one result

  // While so many bytes of what FetchAhead brings are under way, no others are begun; then in the order of its list:
  // what a build needs first comes first, instead of all at the end. As they are unpacked: a quarter of that travels,
  // which is enough for a link of 1 Gbit/s and 30 ms.
  static constexpr std::int64_t kAheadBytes = 16 << 20;

  // `actions` is the local cache as far as its results are complete. All outlive this. What is put together of its
  // parts lies in files of `directory` until it is in the store; empty: TMPDIR, else /tmp.
  Fetcher(SharedCache& shared, BlobStore& blobs, ActionCache& actions, ProgramReferences& references,
          Counters& counters, Clock& clock, std::string directory = {})
      : shared_(shared),
        blobs_(blobs),
        actions_(actions),
        references_(references),
        counters_(counters),
        clock_(clock),
        directory_(std::move(directory)) {}

  // The result of `action`, once it and every blob that it names are in the local store. NOT_FOUND if the team has
  // none, or one that is not complete; other errors as the shared cache's, or the local store's. Needs no turn, even
  // if FetchAhead has it in its list.
  absl::StatusOr<ActionCache::ActionResult> FetchResult(const Digest& action);

  // The results and the manifests of `units`, kResultsAtOnce and kManifestsAtOnce at once, in this order; what cannot
  // be had is left out. Ends early when `stopping`.
  void FetchAhead(const std::vector<RecordedUnit>& units, const std::atomic<bool>& stopping);

  // The local manifest with the shapes that the team knows behind its own; it is kept. nullopt if that gives no new
  // shape, or there is no answer.
  std::optional<Manifest> FetchManifest(const Digest& key);

  // True, once, if `action` came from the shared cache and has not served a hit yet.
  bool TakeFetched(const Digest& action);

 private:
  // What `fetch` gives, or somebody else's call under the same key.
  absl::StatusOr<ActionCache::ActionResult> Join(
      const Digest& key, const std::function<absl::StatusOr<ActionCache::ActionResult>()>& fetch);
  // Leaves the place at the end.
  absl::StatusOr<ActionCache::ActionResult> Fetch(const Digest& action, Turns::Place place);
  absl::StatusOr<ActionCache::ActionResult> Transfer(const Digest& action, Turns::Place place);
  absl::Status TransferBlobs(const TeamResult& team, Turns::Place place);
  absl::Status TransferBlob(const Digest& digest, Turns::Place place);
  absl::StatusOr<Bytes> GetInTurn(const Digest& digest, Turns::Place place);
  absl::Status TransferRlib(const Splice& splice, Turns::Place place);
  absl::Status TransferProgram(const Difference& difference, Turns::Place place);
  // The program with this digest, brought here first if need be. In memory only if it has been unpacked with lately.
  absl::StatusOr<Bytes> Reference(const Digest& digest, Turns::Place place);
  absl::StatusOr<Bytes> Unpack(const Difference& difference, const Bytes& reference, const Bytes& frame)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(unpacking_);
  std::optional<Bytes> Held(const Digest& reference);
  void ForgetReferences();
  absl::StatusOr<Bytes> FindReference(const Digest& digest, Turns::Place place);
  bool IsKnownAbsent(const Digest& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  SharedCache& shared_;
  BlobStore& blobs_;
  ActionCache& actions_;
  ProgramReferences& references_;
  Counters& counters_;
  Clock& clock_;
  const std::string directory_;
  SharedCalls<absl::StatusOr<ActionCache::ActionResult>> under_way_;
  SharedCalls<absl::Status> blobs_under_way_;
  SharedCalls<absl::StatusOr<Bytes>> references_under_way_;
  Turns turns_{kAheadBytes};

  absl::Mutex unpacking_;  // one program at a time: it is in memory, and so is its reference; before mu_
  absl::Mutex mu_;
  absl::flat_hash_map<Digest, std::int64_t> absent_since_ns_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<Digest> fetched_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<Digest, Bytes> held_ ABSL_GUARDED_BY(mu_);  // references that were used; a few
};

// The shapes of `mine`, then those of `theirs` that are not among them, `shapes_max` at most.
Manifest Merge(const Manifest& mine, const Manifest& theirs, int shapes_max);

// A manifest as the action cache holds it: stdout_raw of a result. What is none is empty.
Manifest ManifestIn(const ActionCache::ActionResult& entry);
ActionCache::ActionResult EntryOf(const Manifest& manifest);

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_FETCHER_H_
