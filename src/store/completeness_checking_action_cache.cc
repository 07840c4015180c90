#include "src/store/completeness_checking_action_cache.h"

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/result_digests.h"

namespace smelt {
namespace {

using build::bazel::remote::execution::v2::Tree;

// A Tree is read into memory; one that is larger than this (some 500,000 files) is not worth a hit.
constexpr std::int64_t kTreeBytesMax = 64 << 20;

absl::Status Incomplete(const Digest& action, std::string_view why) {
  return absl::NotFoundError(fmt::format("the result of action {} is incomplete: {}", action.ToString(), why));
}

}  // namespace

absl::StatusOr<std::vector<Digest>> BlobsNeededBy(const Digest& action, const ActionCache::ActionResult& result,
                                                  BlobStore& blobs) {
  auto needed = DigestsIn(result);
  const auto trees = TreeDigestsIn(result);
  if (!needed.ok() || !trees.ok()) return Incomplete(action, "a digest in it is malformed");
  for (const Digest& digest : *trees) {
    if (digest.size > kTreeBytesMax) return Incomplete(action, "a directory is too large: " + digest.ToString());
    const auto bytes = blobs.Get(digest);
    if (absl::IsNotFound(bytes.status()) || absl::IsDataLoss(bytes.status())) {
      return Incomplete(action, "no blob " + digest.ToString());
    }
    RETURN_IF_ERROR(bytes.status());
    ASSIGN_OR_RETURN(const std::string serialized, bytes->ReadAll());
    Tree tree;
    if (!tree.ParseFromString(serialized)) return Incomplete(action, "not a Tree: " + digest.ToString());
    const auto files = DigestsIn(tree);
    if (!files.ok()) return Incomplete(action, "a digest is malformed in the Tree " + digest.ToString());
    needed->insert(needed->end(), files->begin(), files->end());
  }
  return needed;
}

absl::StatusOr<ActionCache::ActionResult> CompletenessCheckingActionCache::Get(const Digest& action) {
  ASSIGN_OR_RETURN(ActionResult result, actions_.Get(action));
  RETURN_IF_ERROR(Check(action, result));
  return result;
}

absl::Status CompletenessCheckingActionCache::Put(const Digest& action, const ActionResult& result) {
  return actions_.Put(action, result);
}

absl::Status CompletenessCheckingActionCache::Check(const Digest& action, const ActionResult& result) {
  ASSIGN_OR_RETURN(const std::vector<Digest> needed, BlobsNeededBy(action, result, blobs_));
  ASSIGN_OR_RETURN(const std::vector<Digest> missing, blobs_.FindMissing(needed));
  if (!missing.empty()) return Incomplete(action, "no blob " + missing.front().ToString());
  return absl::OkStatus();
}

}  // namespace smelt
