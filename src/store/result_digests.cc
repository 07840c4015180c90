#include "src/store/result_digests.h"

#include "src/base/status_macros.h"
#include "src/reapi/digests.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

absl::Status Append(const v2::Digest& digest, std::vector<Digest>& to) {
  ASSIGN_OR_RETURN(to.emplace_back(), reapi::FromProto(digest));
  return absl::OkStatus();
}

absl::Status AppendFiles(const v2::Directory& directory, std::vector<Digest>& to) {
  for (const v2::FileNode& file : directory.files()) RETURN_IF_ERROR(Append(file.digest(), to));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Digest>> TreeDigestsIn(const v2::ActionResult& result) {
  std::vector<Digest> digests;
  for (const v2::OutputDirectory& directory : result.output_directories()) {
    RETURN_IF_ERROR(Append(directory.tree_digest(), digests));
  }
  return digests;
}

absl::StatusOr<std::vector<Digest>> DigestsIn(const v2::ActionResult& result) {
  ASSIGN_OR_RETURN(std::vector<Digest> digests, TreeDigestsIn(result));
  for (const v2::OutputFile& file : result.output_files()) RETURN_IF_ERROR(Append(file.digest(), digests));
  if (result.has_stdout_digest()) RETURN_IF_ERROR(Append(result.stdout_digest(), digests));
  if (result.has_stderr_digest()) RETURN_IF_ERROR(Append(result.stderr_digest(), digests));
  return digests;
}

absl::StatusOr<std::vector<Digest>> DigestsIn(const v2::Tree& tree) {
  std::vector<Digest> digests;
  RETURN_IF_ERROR(AppendFiles(tree.root(), digests));
  for (const v2::Directory& child : tree.children()) RETURN_IF_ERROR(AppendFiles(child, digests));
  return digests;
}

}  // namespace smelt
