#ifndef SMELT_REAPI_INPUT_TREE_H_
#define SMELT_REAPI_INPUT_TREE_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "src/digest/digest.h"

namespace smelt::reapi {

// A blob and its name.
struct NamedBlob {
  Digest digest;
  std::string bytes;
};

// Files by path -> the Merkle tree of REAPI's Directory messages. The same files always give the same root, in
// whatever order they were added. Not thread-safe.
class InputTree {
 public:
  // `path` is relative to the root or absolute (the leading slash is ignored), without "." and "..". The last file
  // added under a name wins. A path that runs through a file replaces that file.
  void AddFile(std::string_view path, const Digest& digest, bool executable = false);

  // Hangs a tree that was built before (its root Directory's digest) at `path`. Nothing may be added below it.
  void AddDirectory(std::string_view path, const Digest& root);

  // The digest of the root, and every Directory below and including it, each once.
  struct Built {
    Digest root;
    std::vector<NamedBlob> directories;
  };
  Built Build() const;

 private:
  struct File {
    Digest digest;
    bool executable;
  };
  struct Node {
    std::map<std::string, File, std::less<>> files;
    std::map<std::string, Node, std::less<>> directories;
    std::map<std::string, Digest, std::less<>> prebuilt;
  };
  Node& DirectoryOf(std::string_view path, std::string_view* base_name);
  static Digest BuildNode(const Node& node, std::vector<NamedBlob>& blobs);

  Node root_;
};

}  // namespace smelt::reapi

#endif  // SMELT_REAPI_INPUT_TREE_H_
