#include "src/services/tree/tree_walk.h"

#include <string>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/reapi/bounded_parse.h"
#include "src/reapi/digests.h"
#include "src/reapi/directory_check.h"

namespace smelt {

namespace v2 = build::bazel::remote::execution::v2;

TreeWalk::TreeWalk(BlobStore& blobs, const Digest& root, const Limits& limits) : blobs_(blobs), limits_(limits) {
  ahead_.emplace_back(root, 1);
  seen_.insert(root);
}

absl::StatusOr<std::optional<v2::Directory>> TreeWalk::Next() {
  while (!ahead_.empty()) {
    const auto [digest, depth] = ahead_.front();
    ahead_.pop_front();
    ASSIGN_OR_RETURN(std::optional<v2::Directory> directory, Visit(digest, depth));
    if (directory.has_value()) return directory;
  }
  return std::optional<v2::Directory>();
}

absl::StatusOr<std::optional<v2::Directory>> TreeWalk::Visit(const Digest& digest, int depth) {
  bytes_ += digest.size;
  if (digest.size > reapi::kDirectoryBytesMax) {
    return absl::ResourceExhaustedError(fmt::format("a Directory of more than {} bytes", reapi::kDirectoryBytesMax));
  }
  if (digest.size > limits_.tree_bytes_max || bytes_ > limits_.tree_bytes_max) {
    return absl::ResourceExhaustedError(fmt::format("a tree of more than {} bytes", limits_.tree_bytes_max));
  }
  const absl::StatusOr<Bytes> bytes = blobs_.Get(digest);
  const bool gone = absl::IsNotFound(bytes.status()) || absl::IsDataLoss(bytes.status());
  if (gone && depth > 1) return std::optional<v2::Directory>();
  RETURN_IF_ERROR(bytes.status());
  ASSIGN_OR_RETURN(const std::string serialized, bytes->ReadAll());
  absl::StatusOr<v2::Directory> parsed = reapi::ParseDirectory(serialized);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("not a Directory: {}: {}", digest.ToString(), std::string(parsed.status().message())));
  }
  v2::Directory& directory = *parsed;
  RETURN_IF_ERROR(reapi::CheckDirectory(directory));
  for (const v2::DirectoryNode& child : directory.directories()) {
    ASSIGN_OR_RETURN(const Digest name, reapi::FromProto(child.digest()));
    if (!seen_.insert(name).second) continue;
    if (depth >= limits_.tree_depth_max) {
      return absl::ResourceExhaustedError(fmt::format("a tree deeper than {}", limits_.tree_depth_max));
    }
    if (static_cast<std::int64_t>(seen_.size()) > limits_.tree_directories_max) {
      return absl::ResourceExhaustedError(
          fmt::format("a tree of more than {} directories", limits_.tree_directories_max));
    }
    ahead_.emplace_back(name, depth + 1);
  }
  return std::optional<v2::Directory>(std::move(directory));
}

}  // namespace smelt
