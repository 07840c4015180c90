#include "src/store/completeness_checking_action_cache.h"

#include <optional>
#include <string>
#include <vector>

#include "src/reapi/bounded_parse.h"
#include "src/reapi/digests.h"
#include "src/store/action_cache_contract_test.h"
#include "src/store/memory/memory_action_cache.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/testing/peak_memory.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

// Blobs that cannot be asked.
class UnreachableBlobStore : public MemoryBlobStore {
 public:
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest>) override {
    return absl::UnavailableError("no route");
  }
};

struct Wrapped {
  MemoryActionCache actions;
  MemoryBlobStore blobs;
  CompletenessCheckingActionCache cache{actions, blobs};
};

std::shared_ptr<ActionCache> MakeCache() {
  auto wrapped = std::make_shared<Wrapped>();
  return {wrapped, &wrapped->cache};
}

INSTANTIATE_TEST_SUITE_P(CompletenessChecking, ActionCacheContractTest, testing::Values(MakeCache));

class CompletenessCheckingActionCacheTest : public testing::Test {
 protected:
  v2::Digest Blob(const std::string& contents) {
    EXPECT_OK(wrapped_.blobs.Put(DigestOf(contents), Bytes(contents)));
    return reapi::ToProto(DigestOf(contents));
  }

  // A result that needs the blobs "file", "out", "err", a Tree, and through it "top" and "below".
  v2::ActionResult ResultThatNeedsEverything() {
    v2::ActionResult result;
    *result.add_output_files()->mutable_digest() = Blob("file");
    result.add_output_symlinks()->set_target("needs nothing");
    *result.mutable_stdout_digest() = Blob("out");
    *result.mutable_stderr_digest() = Blob("err");
    v2::Tree tree;
    *tree.mutable_root()->add_files()->mutable_digest() = Blob("top");
    *tree.add_children()->add_files()->mutable_digest() = Blob("below");
    tree_ = tree.SerializeAsString();
    *result.add_output_directories()->mutable_tree_digest() = Blob(tree_);
    return result;
  }

  Wrapped wrapped_;
  std::string tree_;
  const Digest action_ = DigestOf("action");
};

TEST_F(CompletenessCheckingActionCacheTest, ACompleteResultIsAHit) {
  ASSERT_OK(wrapped_.cache.Put(action_, ResultThatNeedsEverything()));
  EXPECT_OK(wrapped_.cache.Get(action_));
}

TEST_F(CompletenessCheckingActionCacheTest, AnyMissingBlobMakesItAMiss) {
  ASSERT_OK(wrapped_.cache.Put(action_, ResultThatNeedsEverything()));
  for (const std::string& blob :
       {std::string("file"), std::string("out"), std::string("err"), std::string("top"), std::string("below"), tree_}) {
    wrapped_.blobs.Forget(DigestOf(blob));
    EXPECT_THAT(wrapped_.cache.Get(action_),
                StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr(DigestOf(blob).ToString())));
    Blob(blob);
    EXPECT_OK(wrapped_.cache.Get(action_));
  }
}

TEST_F(CompletenessCheckingActionCacheTest, ATreeThatCannotBeReadMakesItAMiss) {
  v2::ActionResult result;
  *result.add_output_directories()->mutable_tree_digest() = Blob("\xff not a Tree");
  ASSERT_OK(wrapped_.cache.Put(action_, result));
  EXPECT_THAT(wrapped_.cache.Get(action_), StatusIs(absl::StatusCode::kNotFound));
}

// A Directory with one file; `child` is the digest of a directory in it, if there is one.
std::string Directory(const v2::Digest& file, const std::optional<Digest>& child = std::nullopt) {
  v2::Directory directory;
  *directory.add_files()->mutable_digest() = file;
  if (child) *directory.add_directories()->mutable_digest() = reapi::ToProto(*child);
  return directory.SerializeAsString();
}

TEST_F(CompletenessCheckingActionCacheTest, ATreeThatLacksADirectoryMakesItAMiss) {
  const std::string inner = Directory(Blob("inner")), outer = Directory(Blob("outer"), DigestOf(inner));
  v2::Directory root;
  *root.add_directories()->mutable_digest() = reapi::ToProto(DigestOf(outer));
  *root.add_directories()->mutable_digest() = reapi::ToProto(DigestOf(std::string_view()));
  struct Case {
    std::vector<std::string> children;
    bool hits;
  };
  for (const auto& [children, hits] : {Case{{outer, inner}, true}, Case{{inner, outer}, true}, Case{{outer}, false},
                                       Case{{inner}, false}, Case{{}, false}}) {
    v2::Tree tree;
    *tree.mutable_root() = root;
    for (const std::string& child : children) ASSERT_TRUE(tree.add_children()->ParseFromString(child));
    v2::ActionResult result;
    *result.add_output_directories()->mutable_tree_digest() = Blob(tree.SerializeAsString());
    ASSERT_OK(wrapped_.cache.Put(action_, result));
    EXPECT_EQ(wrapped_.cache.Get(action_).ok(), hits) << tree.ShortDebugString();
  }
}

TEST_F(CompletenessCheckingActionCacheTest, DirectoriesOfATreeAreNamedByTheirBytesAsTheyCame) {
  const std::string unordered = "\x78\x01" + Directory(Blob("file"));  // a field of another version comes first
  v2::Tree tree;
  *tree.mutable_root()->add_directories()->mutable_digest() = reapi::ToProto(DigestOf(unordered));
  ASSERT_LT(unordered.size(), 128u) << "a length of one byte";
  const std::string child = {'\x12', static_cast<char>(unordered.size())};
  v2::ActionResult result;
  *result.add_output_directories()->mutable_tree_digest() = Blob(tree.SerializeAsString() + child + unordered);
  ASSERT_OK(wrapped_.cache.Put(action_, result));
  EXPECT_OK(wrapped_.cache.Get(action_));
}

TEST_F(CompletenessCheckingActionCacheTest, ARootDirectoryNeedsAllThatIsBelowIt) {
  const std::string inner = Directory(Blob("inner")), root = Directory(Blob("top"), DigestOf(inner));
  Blob(inner);
  v2::ActionResult result;
  *result.add_output_directories()->mutable_root_directory_digest() = Blob(root);
  ASSERT_OK(wrapped_.cache.Put(action_, result));
  for (const std::string& blob : {std::string("top"), std::string("inner"), inner, root}) {
    EXPECT_OK(wrapped_.cache.Get(action_));
    wrapped_.blobs.Forget(DigestOf(blob));
    EXPECT_THAT(wrapped_.cache.Get(action_), StatusIs(absl::StatusCode::kNotFound));
    Blob(blob);
  }
}

TEST_F(CompletenessCheckingActionCacheTest, WhatSaysNothingMakesItAMissAndTakesNoMemory) {
  std::string files, directories;
  while (files.size() < 60 << 20) files.append("\x0a\x00", 2), directories.append("\x12\x00", 2);
  v2::ActionResult no_files, no_directories, one_directory;
  *no_files.add_output_directories()->mutable_root_directory_digest() =
      Blob(files.substr(0, reapi::kDirectoryBytesMax));
  *no_directories.add_output_directories()->mutable_tree_digest() = Blob(directories);
  const std::string tree = "\x0a\xfe\xff\xff\x07" + files.substr(0, reapi::kDirectoryBytesMax - 2);
  *one_directory.add_output_directories()->mutable_tree_digest() = Blob(tree);
  for (const v2::ActionResult& result : {no_files, one_directory, no_directories}) {
    ASSERT_OK(wrapped_.cache.Put(action_, result));
    const PeakMemory memory;
    EXPECT_THAT(wrapped_.cache.Get(action_), StatusIs(absl::StatusCode::kNotFound)) << result.ShortDebugString();
    EXPECT_LT(memory.Grown(), 160 << 20);
  }
}

TEST_F(CompletenessCheckingActionCacheTest, TreesOfOneResultAreBoundedTogether) {
  v2::Tree tree;
  const v2::Digest file = Blob("file");
  for (int i = 0; i < 100'000; ++i) *tree.mutable_root()->add_files()->mutable_digest() = file;
  const v2::Digest one = Blob(tree.SerializeAsString());
  v2::ActionResult same, others;
  for (int i = 0; i < 2'000; ++i) *same.add_output_directories()->mutable_tree_digest() = one;
  ASSERT_OK(wrapped_.cache.Put(action_, same));
  const PeakMemory memory;
  EXPECT_OK(wrapped_.cache.Get(action_));
  EXPECT_LT(memory.Grown(), 100 << 20);
  for (int i = 0; i < 10; ++i) {
    tree.mutable_root()->mutable_files(0)->set_name(std::to_string(i));
    *others.add_output_directories()->mutable_tree_digest() = Blob(tree.SerializeAsString());
  }
  ASSERT_OK(wrapped_.cache.Put(action_, others));
  EXPECT_THAT(wrapped_.cache.Get(action_), StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("too large")));
}

TEST_F(CompletenessCheckingActionCacheTest, AMalformedDigestMakesItAMiss) {
  v2::ActionResult result;
  result.add_output_files()->mutable_digest()->set_hash("abc");
  ASSERT_OK(wrapped_.cache.Put(action_, result));
  EXPECT_THAT(wrapped_.cache.Get(action_), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(CompletenessCheckingActionCacheTest, WithoutAnAnswerThereIsNoHit) {
  UnreachableBlobStore unreachable;
  CompletenessCheckingActionCache cache(wrapped_.actions, unreachable);
  ASSERT_OK(cache.Put(action_, {}));
  EXPECT_THAT(cache.Get(action_), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace smelt
