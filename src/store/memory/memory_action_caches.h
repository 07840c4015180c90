#ifndef SMELT_STORE_MEMORY_MEMORY_ACTION_CACHES_H_
#define SMELT_STORE_MEMORY_MEMORY_ACTION_CACHES_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "src/store/action_caches.h"

namespace smelt {

// One MemoryActionCache for each instance: for tests.
class MemoryActionCaches : public ActionCaches {
 public:
  std::shared_ptr<ActionCache> Of(std::string_view instance) override;

 private:
  std::mutex mu_;
  std::map<std::string, std::shared_ptr<ActionCache>, std::less<>> caches_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_STORE_MEMORY_MEMORY_ACTION_CACHES_H_
