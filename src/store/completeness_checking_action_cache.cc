#include "src/store/completeness_checking_action_cache.h"

#include <algorithm>
#include <semaphore>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "fmt/format.h"
#include "src/base/slow_wait.h"
#include "src/base/status_macros.h"
#include "src/reapi/bounded_parse.h"
#include "src/store/result_digests.h"

namespace smelt {
namespace {

using build::bazel::remote::execution::v2::Directory;

// Directories are read into memory; a result that has more of them than this (some 500,000 files) is not worth a hit.
constexpr std::int64_t kTreeBytesMax = 64 << 20;

absl::Status Incomplete(const Digest& action, std::string_view why) {
  return absl::NotFoundError(fmt::format("the result of action {} is incomplete: {}", action.ToString(), why));
}

// Walks that read more than this take turns.
constexpr std::int64_t kLittleWalkBytes = 1 << 20;

// How many of these at once, in the whole process: each may hold some 200 MB, and keeps a processor busy.
std::counting_semaphore<> large_walks(2);

// A large walk's turn, until what it has found is gone.
class Turn {
 public:
  Turn() = default;
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (taken_) large_walks.release();
  }

  void Take() {
    if (std::exchange(taken_, true)) return;
    const SlowWait others;
    large_walks.acquire();
  }

 private:
  bool taken_ = false;
};

// Finds out which blobs the directories of a result need. NOT_FOUND and INVALID_ARGUMENT say why it is no hit.
class DirectoryWalk {
 public:
  DirectoryWalk(BlobStore& blobs, Turn& turn, std::vector<Digest>& needed)
      : blobs_(blobs), turn_(turn), needed_(needed) {}

  absl::Status AddTree(const Digest& tree) {
    if (!trees_.insert(tree).second) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string serialized, Read(tree, kTreeBytesMax));
    const auto files = DigestsInTree(serialized);
    if (!files.ok()) return Bad(tree, files.status().message());
    Need(*files);
    return absl::OkStatus();
  }

  // The Directory and all below it, each of which is a blob.
  absl::Status AddDirectories(const Digest& root) {
    std::vector<Digest> ahead = {root};
    while (!ahead.empty()) {
      const Digest digest = ahead.back();
      ahead.pop_back();
      if (!seen_.insert(digest).second) continue;
      ASSIGN_OR_RETURN(const std::string serialized, Read(digest, reapi::kDirectoryBytesMax));
      const auto parsed = reapi::ParseDirectory(serialized);
      if (!parsed.ok()) return Bad(digest, parsed.status().message());
      const Directory& directory = *parsed;
      ASSIGN_OR_RETURN(const std::vector<Digest> files, FilesIn(directory));
      ASSIGN_OR_RETURN(const std::vector<Digest> children, DirectoriesIn(directory));
      Need(files);
      Need(children);
      ahead.insert(ahead.end(), children.begin(), children.end());
    }
    return absl::OkStatus();
  }

 private:
  static absl::Status Bad(const Digest& digest, const absl::string_view why) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", digest.ToString(), std::string(why)));
  }

  absl::StatusOr<std::string> Read(const Digest& digest, std::int64_t bytes_max) {
    bytes_ += std::min(digest.size, kTreeBytesMax + 1);
    if (digest.size > bytes_max || bytes_ > kTreeBytesMax)
      return absl::InvalidArgumentError("a directory is too large: " + digest.ToString());
    if (bytes_ > kLittleWalkBytes) turn_.Take();
    const auto bytes = blobs_.Get(digest);
    if (absl::IsDataLoss(bytes.status())) return absl::NotFoundError("no blob " + digest.ToString());
    RETURN_IF_ERROR(bytes.status());
    return bytes->ReadAll();
  }

  void Need(const std::vector<Digest>& digests) { needed_.insert(needed_.end(), digests.begin(), digests.end()); }

  BlobStore& blobs_;
  Turn& turn_;
  std::vector<Digest>& needed_;
  absl::flat_hash_set<Digest> trees_, seen_;
  std::int64_t bytes_ = 0;
};

absl::Status AddDirectoriesOf(const ActionCache::ActionResult& result, BlobStore& blobs, Turn& turn,
                              std::vector<Digest>& needed) {
  ASSIGN_OR_RETURN(const std::vector<Digest> trees, TreeDigestsIn(result));
  ASSIGN_OR_RETURN(const std::vector<Digest> roots, RootDigestsIn(result));
  DirectoryWalk walk(blobs, turn, needed);
  for (const Digest& tree : trees) RETURN_IF_ERROR(walk.AddTree(tree));
  for (const Digest& root : roots) RETURN_IF_ERROR(walk.AddDirectories(root));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Digest>> NeededBy(const Digest& action, const ActionCache::ActionResult& result,
                                             BlobStore& blobs, Turn& turn) {
  auto needed = DigestsIn(result);
  if (!needed.ok()) return Incomplete(action, "a digest in it is malformed");
  const absl::Status walked = AddDirectoriesOf(result, blobs, turn, *needed);
  const bool lacks = absl::IsNotFound(walked) || absl::IsInvalidArgument(walked);
  if (lacks) return Incomplete(action, std::string(walked.message()));
  RETURN_IF_ERROR(walked);
  return needed;
}

}  // namespace

absl::StatusOr<std::vector<Digest>> BlobsNeededBy(const Digest& action, const ActionCache::ActionResult& result,
                                                  BlobStore& blobs) {
  Turn turn;
  return NeededBy(action, result, blobs, turn);
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
  Turn turn;
  ASSIGN_OR_RETURN(const std::vector<Digest> needed, NeededBy(action, result, blobs_, turn));
  ASSIGN_OR_RETURN(const std::vector<Digest> missing, blobs_.FindMissing(needed));
  if (!missing.empty()) return Incomplete(action, "no blob " + missing.front().ToString());
  return absl::OkStatus();
}

}  // namespace smelt
