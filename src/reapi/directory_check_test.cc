#include "src/reapi/directory_check.h"

#include <functional>
#include <string>
#include <vector>

#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/testing/status_matchers.h"

namespace smelt::reapi {
namespace {

const v2::Digest kDigest = ToProto(DigestOf("x"));

void File(v2::Directory& directory, const std::string& name, const v2::Digest& digest = kDigest) {
  v2::FileNode& node = *directory.add_files();
  node.set_name(name);
  *node.mutable_digest() = digest;
}

void Child(v2::Directory& directory, const std::string& name, const v2::Digest& digest = kDigest) {
  v2::DirectoryNode& node = *directory.add_directories();
  node.set_name(name);
  *node.mutable_digest() = digest;
}

void Link(v2::Directory& directory, const std::string& name, const std::string& target) {
  v2::SymlinkNode& node = *directory.add_symlinks();
  node.set_name(name);
  node.set_target(target);
}

v2::Digest Hash(const std::string& hash, std::int64_t size) {
  v2::Digest digest;
  digest.set_hash(hash);
  digest.set_size_bytes(size);
  return digest;
}

using Make = std::function<void(v2::Directory&)>;
struct Case {
  const char* what;
  Make make;
};

v2::Directory Made(const Make& make) {
  v2::Directory directory;
  make(directory);
  return directory;
}

// Names no node may have, whatever it is.
std::vector<std::string> BadNames() {
  return {"",
          ".",
          "..",
          "/",
          "a/b",
          "/a",
          "a/",
          "../a",
          "a/../b",
          std::string("a\0b", 3),
          std::string(1, '\0'),
          std::string(256, 'n')};
}

TEST(DirectoryCheckTest, NamesAreOneSegment) {
  for (const std::string& name : BadNames()) {
    for (const Make& make : {Make([&](auto& d) { File(d, name); }), Make([&](auto& d) { Child(d, name); }),
                             Make([&](auto& d) { Link(d, name, "t"); })}) {
      EXPECT_THAT(CheckDirectory(Made(make)), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
    }
  }
}

class BadDirectories : public testing::TestWithParam<Case> {};

TEST_P(BadDirectories, AreRefused) {
  EXPECT_THAT(CheckDirectory(Made(GetParam().make)), StatusIs(absl::StatusCode::kInvalidArgument)) << GetParam().what;
}

INSTANTIATE_TEST_SUITE_P(All, BadDirectories,
                         testing::ValuesIn(std::vector<Case>{
                             {"files not sorted", [](auto& d) { File(d, "b"), File(d, "a"); }},
                             {"directories not sorted", [](auto& d) { Child(d, "b"), Child(d, "a"); }},
                             {"links not sorted", [](auto& d) { Link(d, "b", "t"), Link(d, "a", "t"); }},
                             {"sorted as a human would", [](auto& d) { File(d, "a"), File(d, "B"); }},
                             {"sorted as signed characters", [](auto& d) { File(d, "\xc3\xa9"), File(d, "a"); }},
                             {"a file twice", [](auto& d) { File(d, "a"), File(d, "a"); }},
                             {"a directory twice", [](auto& d) { Child(d, "a"), Child(d, "a"); }},
                             {"a link twice", [](auto& d) { Link(d, "a", "t"), Link(d, "a", "u"); }},
                             {"a file and a directory", [](auto& d) { File(d, "a"), Child(d, "a"); }},
                             {"a file and a link", [](auto& d) { File(d, "a"), Link(d, "a", "t"); }},
                             {"a directory and a link", [](auto& d) { Child(d, "a"), Link(d, "a", "t"); }},
                             {"a link to nothing", [](auto& d) { Link(d, "a", ""); }},
                             {"a link with NUL", [](auto& d) { Link(d, "a", std::string("t\0u", 3)); }},
                             {"a link too long", [](auto& d) { Link(d, "a", std::string(4097, 't')); }},
                             {"no digest of a file", [](auto& d) { d.add_files()->set_name("a"); }},
                             {"no digest of a directory", [](auto& d) { d.add_directories()->set_name("a"); }},
                             {"an empty hash", [](auto& d) { File(d, "a", Hash("", 0)); }},
                             {"SHA-1", [](auto& d) { File(d, "a", Hash(std::string(40, 'a'), 1)); }},
                             {"SHA-512", [](auto& d) { File(d, "a", Hash(std::string(128, 'a'), 1)); }},
                             {"upper case", [](auto& d) { File(d, "a", Hash(std::string(64, 'A'), 1)); }},
                             {"not hexadecimal", [](auto& d) { File(d, "a", Hash(std::string(64, 'g'), 1)); }},
                             {"a path as hash", [](auto& d) { Child(d, "a", Hash("../" + std::string(61, 'a'), 1)); }},
                             {"a negative size", [](auto& d) { Child(d, "a", Hash(std::string(64, 'a'), -1)); }},
                             {"the least size", [](auto& d) { Child(d, "a", Hash(std::string(64, 'a'), INT64_MIN)); }},
                         }));

class GoodDirectories : public testing::TestWithParam<Case> {};

TEST_P(GoodDirectories, AreTaken) { EXPECT_OK(CheckDirectory(Made(GetParam().make))) << GetParam().what; }

INSTANTIATE_TEST_SUITE_P(
    All, GoodDirectories,
    testing::ValuesIn(std::vector<Case>{
        {"empty", [](auto&) {}},
        {"one of each", [](auto& d) { File(d, "b"), Child(d, "a"), Link(d, "c", "../x"); }},
        {"hidden and odd", [](auto& d) { File(d, "..."), File(d, ".a"), File(d, "a b"), File(d, "a\\b"); }},
        {"the same letter composed and not", [](auto& d) { File(d, "e\xcc\x81"), File(d, "\xc3\xa9"); }},
        {"no UTF-8", [](auto& d) { File(d, "\xc3"), File(d, "\xff\xfe"); }},
        {"new lines", [](auto& d) { File(d, "a\nb"); }},
        {"the longest name", [](auto& d) { File(d, std::string(255, 'n')); }},
        {"an absolute link", [](auto& d) { Link(d, "a", "/usr/bin"); }},
        {"the longest link", [](auto& d) { Link(d, "a", std::string(4096, 't')); }},
        {"the largest size", [](auto& d) { Child(d, "a", Hash(std::string(64, 'a'), INT64_MAX)); }},
    }));

TEST(ActionResultCheckTest, PathsStayBelow) {
  for (const std::string& path : {std::string("/etc/passwd"), std::string("../x"), std::string("a/../../x"),
                                  std::string("a//b"), std::string("./a"), std::string("a/"), std::string("a/."),
                                  std::string("a\0b", 3), std::string(4097, 'p'), std::string(256, 'n') + "/a"}) {
    v2::ActionResult file, directory, link;
    file.add_output_files()->set_path(path);
    *file.mutable_output_files(0)->mutable_digest() = kDigest;
    directory.add_output_directories()->set_path(path);
    *directory.mutable_output_directories(0)->mutable_tree_digest() = kDigest;
    link.add_output_symlinks()->set_path(path);
    link.mutable_output_symlinks(0)->set_target("t");
    for (const v2::ActionResult& result : {file, directory, link}) {
      EXPECT_THAT(CheckActionResult(result), StatusIs(absl::StatusCode::kInvalidArgument)) << path;
    }
  }
}

TEST(ActionResultCheckTest, PathsOf4096BytesAreTakenAndOneMoreIsNot) {
  std::string path;
  while (path.size() < 31 * 128) path += std::string(127, 'p') + '/';
  path.resize(4096, 'p');
  for (int more = 0; more <= 1; ++more, path += 'p') {
    v2::ActionResult file, directory, link;
    file.add_output_files()->set_path(path);
    *file.mutable_output_files(0)->mutable_digest() = kDigest;
    directory.add_output_directories()->set_path(path);
    *directory.mutable_output_directories(0)->mutable_tree_digest() = kDigest;
    link.add_output_symlinks()->set_path(path);
    link.mutable_output_symlinks(0)->set_target("t");
    for (const v2::ActionResult& result : {file, directory, link}) {
      const absl::Status status = CheckActionResult(result);
      EXPECT_EQ(status.code(), more == 0 ? absl::StatusCode::kOk : absl::StatusCode::kInvalidArgument) << status;
    }
  }
}

TEST(ActionResultCheckTest, BytesAreThoseOfTheirDigest) {
  for (const std::string& bytes : {std::string("bytes"), std::string("others"), std::string()}) {
    v2::ActionResult file, out, error;
    file.add_output_files()->set_path("a");
    *file.mutable_output_files(0)->mutable_digest() = ToProto(DigestOf("bytes"));
    file.mutable_output_files(0)->set_contents(bytes);
    *out.mutable_stdout_digest() = ToProto(DigestOf("bytes"));
    out.set_stdout_raw(bytes);
    *error.mutable_stderr_digest() = ToProto(DigestOf("bytes"));
    error.set_stderr_raw(bytes);
    for (const v2::ActionResult& result : {file, out, error}) {
      EXPECT_EQ(CheckActionResult(result).ok(), bytes != "others") << result.DebugString();
    }
  }
}

TEST(ActionResultCheckTest, DigestsAreSha256) {
  v2::ActionResult result;
  result.mutable_stdout_digest()->set_hash("short");
  EXPECT_THAT(CheckActionResult(result),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("stdout_digest")));
  result.Clear();
  result.mutable_stderr_digest();
  EXPECT_THAT(CheckActionResult(result),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("stderr_digest")));
  result.Clear();
  result.add_output_files()->set_path("a");
  EXPECT_THAT(CheckActionResult(result),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("output_files")));
  result.Clear();
  auto& directory = *result.add_output_directories();
  EXPECT_THAT(CheckActionResult(result),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("tree_digest")));
  *directory.mutable_root_directory_digest() = kDigest;
  EXPECT_OK(CheckActionResult(result)) << "one of the two is enough";
  directory.mutable_root_directory_digest()->set_hash("short");
  EXPECT_THAT(CheckActionResult(result),
              StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("root_directory_digest")));
}

TEST(ActionResultCheckTest, TheWorkingDirectoryItselfMayBeAnOutput) {
  v2::ActionResult result;
  *result.add_output_directories()->mutable_tree_digest() = kDigest;
  EXPECT_OK(CheckActionResult(result));
  result.add_output_file_symlinks()->set_path("a/b");
  EXPECT_THAT(CheckActionResult(result), StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("target")));
  result.mutable_output_file_symlinks(0)->set_target("../c");
  EXPECT_OK(CheckActionResult(result));
}

}  // namespace
}  // namespace smelt::reapi
