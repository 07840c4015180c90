// GetTree's page tokens, over one small tree: a token is taken if and only if a page of this root could have given it;
// its pages go on there and leave nothing out; and each page's token, asked for anew, gives the page that followed.
//
// The first byte is the page_size, the rest the page_token, in which '@' stands for the root's hash.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/reapi/input_tree.h"
#include "src/services/tree/tree_pages.h"
#include "src/store/memory/memory_blob_store.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

void Check(bool holds) {
  if (!holds) std::abort();
}

struct Tree {
  Tree() {
    reapi::InputTree tree;
    for (const char* path : {"a/b/c/file", "a/d/file", "e/f/file", "g/file", "h/i/j/k/file"}) {
      tree.AddFile(path, DigestOf(std::string_view(path)));
    }
    const auto built = tree.Build();
    root = built.root;
    for (const auto& blob : built.directories) Check(blobs.Put(blob.digest, Bytes(blob.bytes)).ok());
    TreeWalk walk(blobs, root, Limits());
    for (auto next = walk.Next(); next->has_value(); next = walk.Next()) {
      directories.push_back((*next)->SerializeAsString());
    }
  }

  MemoryBlobStore blobs;
  Digest root;
  std::vector<std::string> directories;  // serialized, in the order of the walk
};

Tree& TheTree() {
  static auto& tree = *new Tree();
  return tree;
}

v2::GetTreeRequest RequestOf(int page_size, std::string_view token) {
  v2::GetTreeRequest request;
  *request.mutable_root_digest() = reapi::ToProto(TheTree().root);
  request.set_page_size(page_size);
  for (const char c : token) {
    c == '@' ? request.mutable_page_token()->append(TheTree().root.Hex()) : request.mutable_page_token()->append(1, c);
  }
  return request;
}

// What the grammar says of a token, read from its end and not from its beginning.
bool IsGood(std::string_view token) {
  const std::string suffix = ":" + TheTree().root.Hex();
  if (token.empty()) return true;
  if (!token.ends_with(suffix)) return false;
  token.remove_suffix(suffix.size());
  const bool is_number = !token.empty() && token.find_first_not_of("0123456789") == std::string_view::npos;
  constexpr std::string_view kMax = "9223372036854775807";
  return is_number && token[0] != '0' && (token.size() < kMax.size() || (token.size() == kMax.size() && token <= kMax));
}

std::size_t SkippedBy(const std::string& token) {
  return token.empty() ? 0 : static_cast<std::size_t>(std::strtoull(token.c_str(), nullptr, 10));
}

v2::GetTreeResponse FirstPage(int page_size, const std::string& token) {
  absl::StatusOr<TreePages> pages = TreePages::Of(TheTree().blobs, Limits(), RequestOf(page_size, token));
  v2::GetTreeResponse page;
  Check(pages.ok() && pages->Next(page).ok());
  return page;
}

void CheckPages(TreePages& pages, int page_size, std::size_t skipped) {
  std::size_t at = skipped;
  for (std::string token = "more"; !token.empty();) {
    v2::GetTreeResponse page;
    Check(pages.Next(page).ok());
    if (token != "more") Check(FirstPage(page_size, token).SerializeAsString() == page.SerializeAsString());
    Check(page_size == 0 || page.directories_size() <= page_size);
    for (const v2::Directory& directory : page.directories()) {
      Check(at < TheTree().directories.size() && directory.SerializeAsString() == TheTree().directories[at++]);
    }
    token = page.next_page_token();
  }
  Check(at >= TheTree().directories.size());
}

void Run(int page_size, std::string_view token) {
  const v2::GetTreeRequest request = RequestOf(page_size, token);
  absl::StatusOr<TreePages> pages = TreePages::Of(TheTree().blobs, Limits(), request);
  Check(pages.ok() == (page_size >= 0 && IsGood(request.page_token())));
  if (pages.ok()) return CheckPages(*pages, page_size, SkippedBy(request.page_token()));
  Check(absl::IsInvalidArgument(pages.status()));
}

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  smelt::Run(static_cast<std::int8_t>(data[0]), {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
