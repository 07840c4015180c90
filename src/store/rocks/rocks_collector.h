#ifndef SMELT_STORE_ROCKS_ROCKS_COLLECTOR_H_
#define SMELT_STORE_ROCKS_ROCKS_COLLECTOR_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/store/rocks/durable_files.h"
#include "src/store/rocks/presence_index.h"
#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/rocks_store.h"
#include "src/store/rocks/uses.h"

namespace smelt {

// Evicts what was used least recently. One time is chosen before which all must go so that there is room: first the
// results that were last used before it, then the blobs. A hit uses its blobs, so a result that stays keeps them.
// Each entry is judged once more at the moment it goes, together with taking it out of the index: nothing that is
// leased or waits in the outbox then goes. Thread-safe; one collection at a time.
class RocksCollector {
 public:
  RocksCollector(RocksDatabase& database, DurableFiles& files, Uses& blobs, Uses& actions)
      : database_(database), files_(files), blobs_(blobs), actions_(actions) {}

  // Down to `target_bytes`, as far as leases and the outbox allow.
  absl::StatusOr<RocksStore::CollectionReport> Collect(std::int64_t target_bytes, bool dry_run);

  // The same, unless it is known that nothing can go yet.
  absl::Status CollectIfUseful(std::int64_t target_bytes);

  // Something may go that could not before.
  void NoteFreed() { useless_until_ = 0; }

  // Of the last that went, how long it had not been used; 0 before the first.
  std::int64_t last_idle_seconds() const { return last_idle_seconds_; }

 private:
  struct Plan;
  class Chosen;

  Plan Choose(std::int64_t target_bytes);
  absl::StatusOr<std::int64_t> EvictFrom(Uses& uses, Plan& plan, bool dry_run);
  absl::StatusOr<std::int64_t> Evict(Uses& uses, const std::vector<std::string>& row_keys, Plan& plan);
  PresenceIndex::Key KeyOf(const Uses& uses, std::string_view row_key) const;

  RocksDatabase& database_;
  DurableFiles& files_;
  Uses& blobs_;
  Uses& actions_;
  std::mutex mu_;  // held during a collection
  std::atomic<std::int64_t> useless_until_ = 0;
  std::atomic<std::int64_t> last_idle_seconds_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_COLLECTOR_H_
