#ifndef SMELT_STORE_ACTION_CACHE_H_
#define SMELT_STORE_ACTION_CACHE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/digest.h"

namespace smelt {

// What actions have produced, by the digest of the Action. Thread-safe; blocks; passes action_cache_contract_test.h.
class ActionCache {
 public:
  using ActionResult = build::bazel::remote::execution::v2::ActionResult;

  virtual ~ActionCache() = default;

  // The result kept for `action`. NOT_FOUND if there is none, or if what was kept fails its checksum (it is then
  // forgotten). Counts as a use. Does not say that the blobs it names are still here: the CompletenessChecking
  // decorator does.
  virtual absl::StatusOr<ActionResult> Get(const Digest& action) = 0;

  // Keeps `result`, replacing an earlier one.
  virtual absl::Status Put(const Digest& action, const ActionResult& result) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_ACTION_CACHE_H_
