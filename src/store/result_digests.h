#ifndef SMELT_STORE_RESULT_DIGESTS_H_
#define SMELT_STORE_RESULT_DIGESTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/digest.h"

namespace smelt {

// Which blobs an ActionResult needs: the output files, stdout and stderr where they are blobs, and the Tree of each
// output directory (not what those Trees name). INVALID_ARGUMENT for a malformed digest.
absl::StatusOr<std::vector<Digest>> DigestsIn(const build::bazel::remote::execution::v2::ActionResult& result);

// The Trees among them.
absl::StatusOr<std::vector<Digest>> TreeDigestsIn(const build::bazel::remote::execution::v2::ActionResult& result);

// Which files a Tree names. INVALID_ARGUMENT for a malformed digest.
absl::StatusOr<std::vector<Digest>> DigestsIn(const build::bazel::remote::execution::v2::Tree& tree);

}  // namespace smelt

#endif  // SMELT_STORE_RESULT_DIGESTS_H_
