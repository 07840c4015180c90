#include "src/reapi/directory_check.h"

#include <set>
#include <string>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"

namespace smelt::reapi {
namespace {

absl::Status Bad(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", field, what));
}

absl::Status CheckName(std::string_view field, std::string_view name) {
  if (name.empty()) return Bad(field, "an empty name");
  if (name == "." || name == "..") return Bad(field, "\".\" or \"..\" as a name");
  if (name.size() > kNameBytesMax) return Bad(field, "a name longer than 255 bytes");
  if (name.find('/') != name.npos) return Bad(field, "a name with a slash");
  if (name.find('\0') != name.npos) return Bad(field, "a name with NUL");
  return absl::OkStatus();
}

absl::Status CheckPath(std::string_view field, std::string_view path, bool may_be_empty) {
  if (path.empty() && may_be_empty) return absl::OkStatus();
  if (path.size() > kPathBytesMax) return Bad(field, "a path longer than 4096 bytes");
  for (;;) {
    const std::size_t slash = path.find('/');
    RETURN_IF_ERROR(CheckName(field, path.substr(0, slash)));
    if (slash == path.npos) return absl::OkStatus();
    path.remove_prefix(slash + 1);
  }
}

absl::Status CheckTarget(std::string_view field, std::string_view target) {
  if (target.empty()) return Bad(field, "empty");
  if (target.size() > kPathBytesMax) return Bad(field, "longer than 4096 bytes");
  if (target.find('\0') != target.npos) return Bad(field, "has NUL");
  return absl::OkStatus();
}

absl::Status CheckDigest(std::string_view field, const v2::Digest& digest) {
  return FromProto(digest).ok() ? absl::OkStatus() : Bad(field, "not a SHA-256 digest");
}

// Of a blob whose bytes may be in the message as well.
absl::Status CheckBytes(std::string_view field, const std::string& bytes, const v2::Digest& digest) {
  if (bytes.empty() || DigestOf(std::string_view(bytes)) == *FromProto(digest)) return absl::OkStatus();
  return Bad(field, "other bytes than its digest says");
}

// Sorted, each once, and none that `taken` has; they are then added to it.
template <typename Nodes>
absl::Status CheckNames(std::string_view field, const Nodes& nodes, std::set<std::string_view>& taken) {
  const std::string* last = nullptr;
  for (const auto& node : nodes) {
    RETURN_IF_ERROR(CheckName(field, node.name()));
    if (last != nullptr && node.name() < *last) return Bad(field, "not sorted");
    if (!taken.insert(node.name()).second) return Bad(field, "a name that is there twice");
    last = &node.name();
  }
  return absl::OkStatus();
}

absl::Status CheckLinks(std::string_view field, const google::protobuf::RepeatedPtrField<v2::OutputSymlink>& links) {
  for (const v2::OutputSymlink& link : links) {
    RETURN_IF_ERROR(CheckPath(fmt::format("{}.path", field), link.path(), false));
    RETURN_IF_ERROR(CheckTarget(fmt::format("{}.target", field), link.target()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDirectory(const v2::Directory& directory) {
  std::set<std::string_view> taken;
  RETURN_IF_ERROR(CheckNames("files.name", directory.files(), taken));
  RETURN_IF_ERROR(CheckNames("directories.name", directory.directories(), taken));
  RETURN_IF_ERROR(CheckNames("symlinks.name", directory.symlinks(), taken));
  for (const v2::FileNode& file : directory.files()) RETURN_IF_ERROR(CheckDigest("files.digest", file.digest()));
  for (const v2::DirectoryNode& child : directory.directories()) {
    RETURN_IF_ERROR(CheckDigest("directories.digest", child.digest()));
  }
  for (const v2::SymlinkNode& link : directory.symlinks()) {
    RETURN_IF_ERROR(CheckTarget("symlinks.target", link.target()));
  }
  return absl::OkStatus();
}

absl::Status CheckActionResult(const v2::ActionResult& result) {
  for (const v2::OutputFile& file : result.output_files()) {
    RETURN_IF_ERROR(CheckPath("action_result.output_files.path", file.path(), false));
    RETURN_IF_ERROR(CheckDigest("action_result.output_files.digest", file.digest()));
    RETURN_IF_ERROR(CheckBytes("action_result.output_files.contents", file.contents(), file.digest()));
  }
  for (const v2::OutputDirectory& directory : result.output_directories()) {
    RETURN_IF_ERROR(CheckPath("action_result.output_directories.path", directory.path(), true));
    if (directory.has_tree_digest() || !directory.has_root_directory_digest()) {
      RETURN_IF_ERROR(CheckDigest("action_result.output_directories.tree_digest", directory.tree_digest()));
    }
    if (directory.has_root_directory_digest()) {
      RETURN_IF_ERROR(
          CheckDigest("action_result.output_directories.root_directory_digest", directory.root_directory_digest()));
    }
  }
  RETURN_IF_ERROR(CheckLinks("action_result.output_file_symlinks", result.output_file_symlinks()));
  RETURN_IF_ERROR(CheckLinks("action_result.output_directory_symlinks", result.output_directory_symlinks()));
  RETURN_IF_ERROR(CheckLinks("action_result.output_symlinks", result.output_symlinks()));
  if (result.has_stdout_digest()) {
    RETURN_IF_ERROR(CheckDigest("action_result.stdout_digest", result.stdout_digest()));
    RETURN_IF_ERROR(CheckBytes("action_result.stdout_raw", result.stdout_raw(), result.stdout_digest()));
  }
  if (result.has_stderr_digest()) {
    RETURN_IF_ERROR(CheckDigest("action_result.stderr_digest", result.stderr_digest()));
    RETURN_IF_ERROR(CheckBytes("action_result.stderr_raw", result.stderr_raw(), result.stderr_digest()));
  }
  return absl::OkStatus();
}

}  // namespace smelt::reapi
