#ifndef SMELT_SERVICES_TREE_TREE_WALK_H_
#define SMELT_SERVICES_TREE_TREE_WALK_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/digest.h"
#include "src/services/limits.h"
#include "src/store/blob_store.h"

namespace smelt {

// Visits the Directory messages below and including a root, by breadth, each digest once: so that neither a forged
// cycle nor a tree of few blobs and many paths keeps it busy. The order depends on the blobs alone. One thread at a
// time.
class TreeWalk {
 public:
  TreeWalk(BlobStore& blobs, const Digest& root, const Limits& limits);

  // The next one; nothing at the end. A directory that is not in the store is left out, with all that is only below it;
  // but NOT_FOUND if that is the root. INVALID_ARGUMENT for a blob that is no valid Directory
  // (reapi/directory_check.h); RESOURCE_EXHAUSTED beyond the limits of number, bytes and depth.
  absl::StatusOr<std::optional<build::bazel::remote::execution::v2::Directory>> Next();

 private:
  absl::StatusOr<std::optional<build::bazel::remote::execution::v2::Directory>> Visit(const Digest& digest, int depth);

  BlobStore& blobs_;
  const Limits limits_;
  std::deque<std::pair<Digest, int>> ahead_;  // with their depths
  absl::flat_hash_set<Digest> seen_;
  std::int64_t bytes_ = 0;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_TREE_TREE_WALK_H_
