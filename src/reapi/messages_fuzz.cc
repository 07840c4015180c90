#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/reapi/digests.h"
#include "src/reapi/directory_check.h"

namespace smelt::reapi {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

void CheckName(const std::string& name) {
  const bool segment = !name.empty() && name != "." && name != ".." && name.size() <= kNameBytesMax &&
                       name.find('/') == name.npos && name.find('\0') == name.npos;
  if (!segment) std::abort();
}

void CheckDigest(const v2::Digest& digest) {
  const absl::StatusOr<Digest> parsed = FromProto(digest);
  if (!parsed.ok() || ToProto(*parsed).hash() != digest.hash()) std::abort();
}

void CheckPath(const std::string& path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    CheckName(path.substr(begin, end - begin));
    begin = end + 1;
  }
}

// What is taken can be laid out below a directory and nowhere else.
void FuzzDirectory(const std::string& bytes) {
  v2::Directory directory;
  if (!directory.ParseFromString(bytes) || !CheckDirectory(directory).ok()) return;
  for (const auto& file : directory.files()) CheckName(file.name()), CheckDigest(file.digest());
  for (const auto& child : directory.directories()) CheckName(child.name()), CheckDigest(child.digest());
  for (const auto& link : directory.symlinks()) CheckName(link.name());
}

void FuzzResult(const std::string& bytes) {
  v2::ActionResult result;
  if (!result.ParseFromString(bytes) || !CheckActionResult(result).ok()) return;
  for (const auto& file : result.output_files()) CheckPath(file.path()), CheckDigest(file.digest());
  for (const auto& link : result.output_symlinks()) CheckPath(link.path());
  for (const auto& tree : result.output_directories()) {
    CheckDigest(tree.tree_digest());
    if (!tree.path().empty()) CheckPath(tree.path());
  }
}

}  // namespace
}  // namespace smelt::reapi

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  smelt::reapi::FuzzDirectory(bytes);
  smelt::reapi::FuzzResult(bytes);
  return 0;
}
