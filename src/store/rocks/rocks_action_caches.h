#ifndef SMELT_STORE_ROCKS_ROCKS_ACTION_CACHES_H_
#define SMELT_STORE_ROCKS_ROCKS_ACTION_CACHES_H_

#include <memory>
#include <string_view>

#include "src/store/action_caches.h"
#include "src/store/gate.h"
#include "src/store/rocks/committer.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/recent_values.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/uses.h"

namespace smelt {

// The index's key of a result whose key in the database is `action_key`.
PresenceIndex::Key ActionPresenceKey(std::string_view action_key);

// The results of all instances. Thread-safe.
class RocksActionCaches : public ActionCaches {
 public:
  // What it uses lives longer than this.
  RocksActionCaches(RocksDatabase& database, Uses& uses, Committer& committer, Gate& gate)
      : database_(database), uses_(uses), committer_(committer), gate_(gate) {}

  std::shared_ptr<ActionCache> Of(std::string_view instance) override;

  // The same, for results that the bucket has: they do not go to the outbox.
  std::shared_ptr<ActionCache> OfFetched(std::string_view instance);

  absl::StatusOr<ActionCache::ActionResult> Get(std::string_view instance, const Digest& action);

  // The result as SealResult made it; NOT_FOUND also where Get would have to forget it.
  absl::StatusOr<Bytes> GetSealed(std::string_view instance, const Digest& action);

  absl::Status Put(std::string_view instance, const Digest& action, const ActionCache::ActionResult& result,
                   bool fetched);

  // Put by a caller who does not wait (see DeferredPuts).
  void Defer(std::string_view instance, const Digest& action, const ActionCache::ActionResult& result,
             Committer::Done done);

 private:
  static constexpr std::int64_t kRecentBytes = 32 << 20;

  // `key` is that of the database, `digest` its digest.
  absl::StatusOr<Bytes> ReadSealed(std::string_view key, const Digest& digest);
  absl::StatusOr<ActionCache::ActionResult> Read(std::string_view key, const Digest& digest);
  absl::StatusOr<ActionCache::ActionResult> Forget(std::string_view key, const Digest& digest);
  Committer::Entry EntryOf(std::string_view instance, const Digest& action, const ActionCache::ActionResult& result,
                           bool fetched);

  RocksDatabase& database_;
  Uses& uses_;
  Committer& committer_;
  Gate& gate_;
  RecentValues recent_{kRecentBytes};  // as sealed, by the digest of the key
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_ACTION_CACHES_H_
