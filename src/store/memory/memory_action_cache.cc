#include "src/store/memory/memory_action_cache.h"

#include "fmt/format.h"

namespace smelt {

absl::StatusOr<ActionCache::ActionResult> MemoryActionCache::Get(const Digest& action) {
  const std::lock_guard lock(mu_);
  const auto found = results_.find(action);
  if (found == results_.end()) return absl::NotFoundError(fmt::format("no result of action {}", action.ToString()));
  return found->second;
}

absl::Status MemoryActionCache::Put(const Digest& action, const ActionResult& result) {
  const std::lock_guard lock(mu_);
  results_.insert_or_assign(action, result);
  return absl::OkStatus();
}

}  // namespace smelt
