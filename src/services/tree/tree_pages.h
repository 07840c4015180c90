#ifndef SMELT_SERVICES_TREE_TREE_PAGES_H_
#define SMELT_SERVICES_TREE_TREE_PAGES_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/digest.h"
#include "src/services/tree/tree_walk.h"

namespace smelt {

// The pages of one GetTree: what a TreeWalk visits, from where the request's page_token goes on. A token is
// "<how many directories were sent>:<the root's hash>", so that it outlives the call, the connection and the server.
// One thread at a time.
class TreePages {
 public:
  // INVALID_ARGUMENT for a negative page_size, for what is no digest, and for a page_token that no page of this root
  // could have given. A token beyond the tree's end is none of these: there is one page more, and it is empty. `blobs`
  // has to live longer.
  static absl::StatusOr<TreePages> Of(BlobStore& blobs, const Limits& limits,
                                      const build::bazel::remote::execution::v2::GetTreeRequest& request);

  // Makes `page` the next one: page_size directories, or fewer where they reach 256 KiB or the tree ends. Its
  // next_page_token is empty if it is the last. Errors are those of TreeWalk::Next.
  absl::Status Next(build::bazel::remote::execution::v2::GetTreeResponse& page);

 private:
  TreePages() = default;
  absl::Status Advance();

  Digest root_;
  int page_size_ = INT32_MAX;
  std::int64_t skip_ = 0, sent_ = 0;
  std::unique_ptr<TreeWalk> walk_;
  std::optional<build::bazel::remote::execution::v2::Directory> next_;
};

}  // namespace smelt

#endif  // SMELT_SERVICES_TREE_TREE_PAGES_H_
