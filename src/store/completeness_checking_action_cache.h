#ifndef SMELT_STORE_COMPLETENESS_CHECKING_ACTION_CACHE_H_
#define SMELT_STORE_COMPLETENESS_CHECKING_ACTION_CACHE_H_

#include "src/store/action_cache.h"
#include "src/store/blob_store.h"

namespace smelt {

// Makes a hit a promise: a result of which any blob (output file, stdout, stderr, a directory's Tree or a file that it
// names) is not in `blobs` is NOT_FOUND, so that the action runs again. Checking counts as a use of the blobs. Where
// the blob store cannot answer, its error is returned: no hit without a promise.
//
// Both live longer than this.
class CompletenessCheckingActionCache : public ActionCache {
 public:
  CompletenessCheckingActionCache(ActionCache& actions, BlobStore& blobs) : actions_(actions), blobs_(blobs) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override;
  absl::Status Put(const Digest& action, const ActionResult& result) override;

 private:
  absl::Status Check(const Digest& action, const ActionResult& result);

  ActionCache& actions_;
  BlobStore& blobs_;
};

}  // namespace smelt

#endif  // SMELT_STORE_COMPLETENESS_CHECKING_ACTION_CACHE_H_
