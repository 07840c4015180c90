#include "src/reapi/input_tree.h"

#include <gtest/gtest.h>

#include <map>

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"

namespace smelt::reapi {
namespace {

v2::Directory Parsed(const InputTree::Built& built, const Digest& digest) {
  v2::Directory directory;
  for (const NamedBlob& blob : built.directories) {
    if (blob.digest == digest) {
      EXPECT_TRUE(directory.ParseFromString(blob.bytes));
    }
  }
  return directory;
}

TEST(InputTree, OfNothingIsTheEmptyDirectoryWhoseBlobIsEmpty) { EXPECT_EQ(InputTree().Build().root, DigestOf("")); }

TEST(InputTree, OrderOfAddingDoesNotMatter) {
  InputTree one, two;
  one.AddFile("a/x", DigestOf("x"));
  one.AddFile("b", DigestOf("b"), true);
  two.AddFile("b", DigestOf("b"), true);
  two.AddFile("/a/x", DigestOf("x"));
  EXPECT_EQ(one.Build().root, two.Build().root);
}

TEST(InputTree, NamesContentsAndModesAllMatter) {
  InputTree base, renamed, changed, executable;
  base.AddFile("a/x", DigestOf("x"));
  renamed.AddFile("a/y", DigestOf("x"));
  changed.AddFile("a/x", DigestOf("X"));
  executable.AddFile("a/x", DigestOf("x"), true);
  EXPECT_NE(base.Build().root, renamed.Build().root);
  EXPECT_NE(base.Build().root, changed.Build().root);
  EXPECT_NE(base.Build().root, executable.Build().root);
}

TEST(InputTree, SwappedContentsDiffer) {
  InputTree one, two;
  one.AddFile("a", DigestOf("1"));
  one.AddFile("b", DigestOf("2"));
  two.AddFile("a", DigestOf("2"));
  two.AddFile("b", DigestOf("1"));
  EXPECT_NE(one.Build().root, two.Build().root);
}

TEST(InputTree, DirectoriesAreSortedAndReachable) {
  InputTree tree;
  tree.AddFile("src/z.rs", DigestOf("z"));
  tree.AddFile("src/a.rs", DigestOf("a"));
  InputTree toolchain;
  toolchain.AddFile("bin/rustc", DigestOf("rustc"), true);
  tree.AddDirectory("toolchain", toolchain.Build().root);
  InputTree::Built built = tree.Build();
  v2::Directory root = Parsed(built, built.root);
  ASSERT_EQ(root.directories_size(), 2);
  EXPECT_EQ(root.directories(0).name(), "src");
  EXPECT_EQ(root.directories(1).name(), "toolchain");
  EXPECT_EQ(*FromProto(root.directories(1).digest()), toolchain.Build().root);
  v2::Directory src = Parsed(built, *FromProto(root.directories(0).digest()));
  ASSERT_EQ(src.files_size(), 2);
  EXPECT_EQ(src.files(0).name(), "a.rs");
  EXPECT_EQ(src.files(1).name(), "z.rs");
}

TEST(InputTree, AFileThatTurnsOutToBeADirectoryGivesWay) {
  InputTree tree;
  tree.AddFile("a", DigestOf("file"));
  tree.AddFile("a/b", DigestOf("b"));
  InputTree::Built built = tree.Build();
  v2::Directory root = Parsed(built, built.root);
  EXPECT_EQ(root.files_size(), 0);
  EXPECT_EQ(root.directories_size(), 1);
}

TEST(Digests, BadMessagesAreRefused) {
  v2::Digest digest = ToProto(DigestOf("x"));
  digest.set_size_bytes(-1);
  EXPECT_FALSE(FromProto(digest).ok());
  EXPECT_FALSE(FromProto(v2::Digest()).ok());
}

}  // namespace
}  // namespace smelt::reapi
