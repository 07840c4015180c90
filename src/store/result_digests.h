#ifndef SMELT_STORE_RESULT_DIGESTS_H_
#define SMELT_STORE_RESULT_DIGESTS_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/digest.h"

namespace smelt {

// Which blobs an ActionResult needs: the output files, stdout and stderr where they are blobs, and of each output
// directory its Tree and its root Directory, where it has them (not what those name). INVALID_ARGUMENT for a malformed
// digest.
absl::StatusOr<std::vector<Digest>> DigestsIn(const build::bazel::remote::execution::v2::ActionResult& result);

// The Trees among them, and the root Directories.
absl::StatusOr<std::vector<Digest>> TreeDigestsIn(const build::bazel::remote::execution::v2::ActionResult& result);
absl::StatusOr<std::vector<Digest>> RootDigestsIn(const build::bazel::remote::execution::v2::ActionResult& result);

// Which files a serialized Tree names. INVALID_ARGUMENT for what is no Tree, for a malformed digest, and if a directory
// is named that the Tree does not hold: its reader could not go on there. A Tree has no more fields than
// reapi::CheckFields allows, and at most a million directories, each of which reapi::ParseDirectory takes.
absl::StatusOr<std::vector<Digest>> DigestsInTree(std::string_view tree);

// Which files and directories a Directory names. INVALID_ARGUMENT for a malformed digest.
absl::StatusOr<std::vector<Digest>> FilesIn(const build::bazel::remote::execution::v2::Directory& directory);
absl::StatusOr<std::vector<Digest>> DirectoriesIn(const build::bazel::remote::execution::v2::Directory& directory);

}  // namespace smelt

#endif  // SMELT_STORE_RESULT_DIGESTS_H_
