#ifndef SMELT_STORE_ROCKS_ROCKS_ACTION_CACHES_H_
#define SMELT_STORE_ROCKS_ROCKS_ACTION_CACHES_H_

#include <memory>
#include <string_view>

#include "src/store/action_caches.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/rocks_outbox.h"
#include "src/store/rocks/space.h"
#include "src/store/rocks/uses.h"

namespace smelt {

// The index's key of a result whose key in the database is `action_key`.
PresenceIndex::Key ActionPresenceKey(std::string_view action_key);

// The results of all instances. Thread-safe.
class RocksActionCaches : public ActionCaches {
 public:
  // What it uses lives longer than this. `outbox` may be null.
  RocksActionCaches(RocksDatabase& database, Uses& uses, RocksOutbox* outbox, Space& space)
      : database_(database), uses_(uses), outbox_(outbox), space_(space) {}

  std::shared_ptr<ActionCache> Of(std::string_view instance) override;

  absl::StatusOr<ActionCache::ActionResult> Get(std::string_view instance, const Digest& action);
  absl::Status Put(std::string_view instance, const Digest& action, const ActionCache::ActionResult& result);

 private:
  absl::StatusOr<ActionCache::ActionResult> Read(std::string_view key);
  absl::StatusOr<ActionCache::ActionResult> Forget(std::string_view key);

  RocksDatabase& database_;
  Uses& uses_;
  RocksOutbox* const outbox_;
  Space& space_;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_ACTION_CACHES_H_
