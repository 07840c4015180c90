#ifndef SMELT_STORE_MEMORY_MEMORY_ACTION_CACHE_H_
#define SMELT_STORE_MEMORY_MEMORY_ACTION_CACHE_H_

#include <map>
#include <mutex>

#include "src/store/action_cache.h"

namespace smelt {

// Results in memory, without limit: for tests.
class MemoryActionCache : public ActionCache {
 public:
  absl::StatusOr<ActionResult> Get(const Digest& action) override;
  absl::Status Put(const Digest& action, const ActionResult& result) override;

 private:
  std::mutex mu_;
  std::map<Digest, ActionResult> results_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_STORE_MEMORY_MEMORY_ACTION_CACHE_H_
