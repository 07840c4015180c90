#ifndef SMELT_STORE_READ_THROUGH_PARENTS_H_
#define SMELT_STORE_READ_THROUGH_PARENTS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/glob.h"
#include "src/store/action_caches.h"
#include "src/store/blob_store.h"

namespace smelt {

// Which instance reads another one's results where it has none: those whose name fits the pattern read the parent's.
struct ParentRule {
  std::string instance;  // a pattern (src/base/glob.h), as "pr/*"
  std::string parent;    // a name, as "main"
};

// Trust goes one way: what an instance has not, its parent is asked for, and the parent's parent, eight deep at most.
// Results are only ever written to the instance itself, and a parent never sees what its children wrote. The first rule
// that fits a name decides; a rule that makes an instance its own ancestor ends there.
//
// A result of which a blob is no longer in `blobs` counts as none: that of the parent may still have all of its own.
//
// Permission for an instance is permission to read its ancestors. `caches` and `blobs` live longer than this.
class ReadThroughParents : public ActionCaches {
 public:
  ReadThroughParents(ActionCaches& caches, BlobStore& blobs, const std::vector<ParentRule>& rules);

  std::shared_ptr<ActionCache> Of(std::string_view instance) override;

  // The instance and its ancestors, in the order in which they are asked.
  std::vector<std::string> Ancestry(std::string_view instance) const;

 private:
  ActionCaches& caches_;
  BlobStore& blobs_;
  std::vector<std::pair<Glob, std::string>> rules_;
};

}  // namespace smelt

#endif  // SMELT_STORE_READ_THROUGH_PARENTS_H_
