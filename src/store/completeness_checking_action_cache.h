#ifndef SMELT_STORE_COMPLETENESS_CHECKING_ACTION_CACHE_H_
#define SMELT_STORE_COMPLETENESS_CHECKING_ACTION_CACHE_H_

#include <vector>

#include "src/store/action_cache.h"
#include "src/store/blob_store.h"

namespace smelt {

// All blobs that a result names: output files, stdout, stderr, each directory's Tree and the files in it, its root
// Directory and all below that. Trees and Directories are read from `blobs`. NOT_FOUND, naming `action`, if that or the
// result is not what it should be, or a Tree names a directory that it does not hold; else the store's error.
absl::StatusOr<std::vector<Digest>> BlobsNeededBy(const Digest& action, const ActionCache::ActionResult& result,
                                                  BlobStore& blobs);

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
