#ifndef SMELT_STORE_LOCAL_ACTION_TABLE_H_
#define SMELT_STORE_LOCAL_ACTION_TABLE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>

#include "src/store/action_cache.h"
#include "src/store/local/database.h"

namespace smelt {

// The local store's results, inside the database. Each value begins with a checksum of its key and itself, so that
// neither a flipped bit nor a value under the wrong key is ever taken for a result.
class ActionTable : public ActionCache {
 public:
  explicit ActionTable(Database& database) : database_(database) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override;
  absl::Status Put(const Digest& action, const ActionResult& result) override;

  // Forgets the results that need any blob for which `gone` is true, and those that cannot be read. Returns how many.
  // With `dry_run` only counts.
  absl::StatusOr<std::int64_t> RemoveThatNeed(const std::function<bool(const Digest&)>& gone, bool dry_run);

  // Adds up what `snapshot`, taken before any change through this object, holds.
  absl::Status Count(const Database::Snapshot& snapshot);

  // The database has begun anew. Nobody else uses this.
  void NoteBegunAnew() { actions_ = 0; }

  std::int64_t actions() const { return actions_; }

 private:
  absl::Status Forget(std::string_view key);

  Database& database_;
  std::mutex mu_;  // held by what changes the number of results
  std::atomic<std::int64_t> actions_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_ACTION_TABLE_H_
