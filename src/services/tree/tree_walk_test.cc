#include "src/services/tree/tree_walk.h"

#include <string>
#include <vector>

#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/reapi/digests.h"
#include "src/reapi/input_tree.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

class TreeWalkTest : public testing::Test {
 protected:
  Digest Put(const std::string& bytes) {
    const Digest digest = DigestOf(bytes);
    EXPECT_OK(blobs_.Put(digest, Bytes(bytes)));
    return digest;
  }

  Digest PutParentOf(const std::vector<Digest>& children) {
    v2::Directory directory;
    for (std::size_t i = 0; i < children.size(); ++i) {
      v2::DirectoryNode& node = *directory.add_directories();
      node.set_name(std::to_string(1'000'000 + i));
      *node.mutable_digest() = reapi::ToProto(children[i]);
    }
    return Put(directory.SerializeAsString());
  }

  absl::StatusOr<int> Count(const Digest& root) {
    TreeWalk walk(blobs_, root, limits_);
    for (int count = 0;; ++count) {
      absl::StatusOr<std::optional<v2::Directory>> next = walk.Next();
      if (!next.ok()) return next.status();
      if (!next->has_value()) return count;
    }
  }

  MemoryBlobStore blobs_;
  Limits limits_;
};

TEST_F(TreeWalkTest, VisitsByBreadth) {
  reapi::InputTree tree;
  for (const char* path : {"a/deep/er/file", "b/file", "file"}) tree.AddFile(path, DigestOf(std::string_view(path)));
  const auto built = tree.Build();
  for (const auto& blob : built.directories) ASSERT_OK(blobs_.Put(blob.digest, Bytes(blob.bytes)));
  TreeWalk walk(blobs_, built.root, limits_);
  std::vector<std::string> first_names;
  for (;;) {
    ASSERT_OK_AND_ASSIGN(const auto directory, walk.Next());
    if (!directory) break;
    first_names.push_back(directory->files().empty() ? directory->directories(0).name() : directory->files(0).name());
  }
  EXPECT_EQ(first_names, (std::vector<std::string>{"file", "deep", "file", "er", "file"}));
}

TEST_F(TreeWalkTest, TheEmptyDirectoryIsAlwaysThere) { EXPECT_THAT(Count(DigestOf("")), IsOkAndHolds(1)); }

TEST_F(TreeWalkTest, AMissingRootIsNotFoundAndAMissingChildIsLeftOut) {
  EXPECT_THAT(Count(DigestOf("gone")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(Count(PutParentOf({DigestOf("gone"), DigestOf("")})), IsOkAndHolds(2));
}

TEST_F(TreeWalkTest, ManyPathsToFewBlobsAreVisitedOnce) {
  Digest node = DigestOf("");
  for (int i = 0; i < 100; ++i) node = PutParentOf({node, node, node, node});  // 4^100 paths
  EXPECT_THAT(Count(node), IsOkAndHolds(101));
}

TEST_F(TreeWalkTest, AForgedCycleEnds) {
  v2::Directory directory;
  v2::DirectoryNode& child = *directory.add_directories();
  child.set_name("self");
  const Digest forged = DigestOf("a digest that the bytes do not have");
  *child.mutable_digest() = reapi::ToProto(forged);
  blobs_.CorruptForTest(forged, Bytes(directory.SerializeAsString()));
  EXPECT_THAT(Count(forged), IsOkAndHolds(1));
}

TEST_F(TreeWalkTest, DepthIsBounded) {
  limits_.tree_depth_max = 10;
  Digest node = DigestOf("");
  for (int depth = 1; depth < 10; ++depth) node = PutParentOf({node});
  EXPECT_THAT(Count(node), IsOkAndHolds(10));
  EXPECT_THAT(Count(PutParentOf({node})), StatusIs(absl::StatusCode::kResourceExhausted, testing::HasSubstr("deeper")));
}

TEST_F(TreeWalkTest, WidthIsBounded) {
  limits_.tree_directories_max = 10;
  std::vector<Digest> children;
  for (int i = 0; i < 9; ++i)
    children.push_back(PutParentOf(std::vector<Digest>(static_cast<std::size_t>(i), DigestOf(""))));
  EXPECT_THAT(Count(PutParentOf(children)), IsOkAndHolds(10));
  children.push_back(PutParentOf(std::vector<Digest>(20, DigestOf(""))));
  EXPECT_THAT(Count(PutParentOf(children)), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(TreeWalkTest, BytesAreBoundedBeforeTheyAreRead) {
  const Digest root = PutParentOf({DigestOf("")});
  limits_.tree_bytes_max = root.size;
  EXPECT_THAT(Count(root), IsOkAndHolds(2));
  limits_.tree_bytes_max = root.size - 1;
  EXPECT_THAT(Count(root), StatusIs(absl::StatusCode::kResourceExhausted));
  Digest huge = DigestOf("");
  huge.size = INT64_MAX;
  EXPECT_THAT(Count(PutParentOf({huge, huge})), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(TreeWalkTest, ADirectoryIsBounded) {
  std::string nothing;
  while (nothing.size() < 4 << 20) nothing.append("\x0a\x00", 2);
  EXPECT_THAT(Count(Put(nothing)), StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("fields")));
  Digest large = DigestOf("large");
  large.size = reapi::kDirectoryBytesMax + 1;
  EXPECT_THAT(Count(large), StatusIs(absl::StatusCode::kResourceExhausted, testing::HasSubstr("16777216")));
  --large.size;
  EXPECT_THAT(Count(large), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TreeWalkTest, WhatIsNoDirectoryIsRefused) {
  EXPECT_THAT(Count(Put("\xff\xff\xff\xff")),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("not a Directory")));
  v2::Directory escaping;
  escaping.add_symlinks()->set_name("..");
  EXPECT_THAT(Count(Put(escaping.SerializeAsString())), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Count(PutParentOf({Put("\xff")})), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace smelt
