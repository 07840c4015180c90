#include "src/store/result_digests.h"

#include <functional>

#include "absl/container/flat_hash_set.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/reapi/digests.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr std::size_t kTreeDirectoriesMax = 1'000'000;

absl::Status Append(const v2::Digest& digest, std::vector<Digest>& to) {
  ASSIGN_OR_RETURN(to.emplace_back(), reapi::FromProto(digest));
  return absl::OkStatus();
}

template <typename Nodes>
absl::StatusOr<std::vector<Digest>> DigestsOfAll(const Nodes& nodes) {
  std::vector<Digest> digests;
  for (const auto& node : nodes) RETURN_IF_ERROR(Append(node.digest(), digests));
  return digests;
}

absl::Status NoTree() { return absl::InvalidArgumentError("not a Tree"); }

// The root and the children, one after the other, as they came: what names a directory is the digest of these very
// bytes.
absl::Status ForEachDirectory(std::string_view tree, const std::function<absl::Status(std::string_view)>& visit) {
  using Wire = google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(tree.data()),
                                            static_cast<int>(tree.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    const int field = Wire::GetTagFieldNumber(tag);
    const bool holds_directory = field == v2::Tree::kRootFieldNumber || field == v2::Tree::kChildrenFieldNumber;
    if (!holds_directory || Wire::GetTagWireType(tag) != Wire::WIRETYPE_LENGTH_DELIMITED) {
      if (!Wire::SkipField(&in, tag)) return NoTree();
      continue;
    }
    int size = 0;
    if (!in.ReadVarintSizeAsInt(&size)) return NoTree();
    const auto at = static_cast<std::size_t>(in.CurrentPosition());
    if (!in.Skip(size)) return NoTree();
    RETURN_IF_ERROR(visit(tree.substr(at, static_cast<std::size_t>(size))));
  }
  return in.ConsumedEntireMessage() ? absl::OkStatus() : NoTree();
}

}  // namespace

absl::StatusOr<std::vector<Digest>> TreeDigestsIn(const v2::ActionResult& result) {
  std::vector<Digest> digests;
  for (const v2::OutputDirectory& directory : result.output_directories()) {
    const bool has_tree = directory.has_tree_digest() || !directory.has_root_directory_digest();
    if (has_tree) RETURN_IF_ERROR(Append(directory.tree_digest(), digests));
  }
  return digests;
}

absl::StatusOr<std::vector<Digest>> RootDigestsIn(const v2::ActionResult& result) {
  std::vector<Digest> digests;
  for (const v2::OutputDirectory& directory : result.output_directories()) {
    if (!directory.has_root_directory_digest()) continue;
    RETURN_IF_ERROR(Append(directory.root_directory_digest(), digests));
  }
  return digests;
}

absl::StatusOr<std::vector<Digest>> DigestsIn(const v2::ActionResult& result) {
  ASSIGN_OR_RETURN(std::vector<Digest> digests, TreeDigestsIn(result));
  ASSIGN_OR_RETURN(const std::vector<Digest> roots, RootDigestsIn(result));
  digests.insert(digests.end(), roots.begin(), roots.end());
  for (const v2::OutputFile& file : result.output_files()) RETURN_IF_ERROR(Append(file.digest(), digests));
  if (result.has_stdout_digest()) RETURN_IF_ERROR(Append(result.stdout_digest(), digests));
  if (result.has_stderr_digest()) RETURN_IF_ERROR(Append(result.stderr_digest(), digests));
  return digests;
}

absl::StatusOr<std::vector<Digest>> FilesIn(const v2::Directory& directory) { return DigestsOfAll(directory.files()); }

absl::StatusOr<std::vector<Digest>> DirectoriesIn(const v2::Directory& directory) {
  return DigestsOfAll(directory.directories());
}

absl::StatusOr<std::vector<Digest>> DigestsInTree(std::string_view tree) {
  RETURN_IF_ERROR(reapi::CheckFields(tree, *v2::Tree::descriptor()));
  absl::flat_hash_set<Digest> held = {DigestOf(std::string_view())};  // which everybody has
  std::vector<Digest> files, named;
  const auto visit = [&](std::string_view serialized) -> absl::Status {
    ASSIGN_OR_RETURN(const v2::Directory directory, reapi::ParseDirectory(serialized));
    held.insert(DigestOf(serialized));
    if (held.size() > kTreeDirectoriesMax) return absl::InvalidArgumentError("a Tree of over a million directories");
    for (const v2::FileNode& file : directory.files()) RETURN_IF_ERROR(Append(file.digest(), files));
    for (const v2::DirectoryNode& child : directory.directories()) RETURN_IF_ERROR(Append(child.digest(), named));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ForEachDirectory(tree, visit));
  for (const Digest& child : named) {
    if (!held.contains(child)) return absl::InvalidArgumentError("no directory " + child.ToString());
  }
  return files;
}

}  // namespace smelt
