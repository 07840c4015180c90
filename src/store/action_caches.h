#ifndef SMELT_STORE_ACTION_CACHES_H_
#define SMELT_STORE_ACTION_CACHES_H_

#include <memory>
#include <string_view>

#include "src/store/action_cache.h"

namespace smelt {

// The action caches of a server: one for each instance name, which is a trust domain (docs/server.md). Blobs are shared
// by all instances, since they are what their digests say; results are not. Thread-safe.
class ActionCaches {
 public:
  virtual ~ActionCaches() = default;

  // The cache of `instance`; made when it is first asked for, and as cheap as a pointer. May outlive this call, not
  // this object. Any name is a name; whoever asks has checked that the caller may use it.
  virtual std::shared_ptr<ActionCache> Of(std::string_view instance) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_ACTION_CACHES_H_
