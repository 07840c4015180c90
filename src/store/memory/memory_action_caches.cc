#include "src/store/memory/memory_action_caches.h"

#include "src/store/memory/memory_action_cache.h"

namespace smelt {

std::shared_ptr<ActionCache> MemoryActionCaches::Of(std::string_view instance) {
  const std::lock_guard lock(mu_);
  auto found = caches_.find(instance);
  if (found == caches_.end()) {
    found = caches_.emplace(std::string(instance), std::make_shared<MemoryActionCache>()).first;
  }
  return found->second;
}

}  // namespace smelt
