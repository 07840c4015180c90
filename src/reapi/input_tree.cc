#include "src/reapi/input_tree.h"

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"

namespace smelt::reapi {

InputTree::Node& InputTree::DirectoryOf(std::string_view path, std::string_view* base_name) {
  Node* node = &root_;
  for (;;) {
    while (!path.empty() && path.front() == '/') path.remove_prefix(1);
    std::size_t slash = path.find('/');
    if (slash == path.npos) break;
    std::string_view name = path.substr(0, slash);
    auto found = node->directories.find(name);
    if (found == node->directories.end()) {
      node->files.erase(std::string(name));
      found = node->directories.emplace(std::string(name), Node()).first;
    }
    node = &found->second;
    path.remove_prefix(slash);
  }
  *base_name = path;
  return *node;
}

void InputTree::AddFile(std::string_view path, const Digest& digest, bool executable) {
  std::string_view name;
  Node& node = DirectoryOf(path, &name);
  node.files.insert_or_assign(std::string(name), File{digest, executable});
}

void InputTree::AddDirectory(std::string_view path, const Digest& root) {
  std::string_view name;
  Node& node = DirectoryOf(path, &name);
  node.prebuilt.insert_or_assign(std::string(name), root);
}

InputTree::Built InputTree::Build() const {
  Built built;
  built.root = BuildNode(root_, built.directories);
  return built;
}

Digest InputTree::BuildNode(const Node& node, std::vector<NamedBlob>& blobs) {
  v2::Directory directory;
  for (const auto& [name, file] : node.files) {
    if (node.directories.contains(name)) continue;
    v2::FileNode& out = *directory.add_files();
    out.set_name(name);
    *out.mutable_digest() = ToProto(file.digest);
    out.set_is_executable(file.executable);
  }
  std::map<std::string_view, Digest> children;
  for (const auto& [name, child] : node.directories) children.emplace(name, BuildNode(child, blobs));
  for (const auto& [name, digest] : node.prebuilt) children.insert_or_assign(name, digest);
  for (const auto& [name, digest] : children) {
    v2::DirectoryNode& out = *directory.add_directories();
    out.set_name(std::string(name));
    *out.mutable_digest() = ToProto(digest);
  }
  std::string bytes = directory.SerializeAsString();
  Digest digest = DigestOf(bytes);
  blobs.push_back({digest, std::move(bytes)});
  return digest;
}

}  // namespace smelt::reapi
