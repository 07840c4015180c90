#include "src/compilers/rustc/dep_info.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/compilers/rustc/rustc_on_path.h"
#include "src/testing/temp_dir.h"

namespace smelt::rustc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

DepInfo Parsed(std::string_view text) {
  const auto info = ParseDepInfo(text);
  EXPECT_TRUE(info.ok()) << info.status();
  return info.ok() ? *info : DepInfo{};
}

TEST(DepInfoTest, SourcesOfTheFirstRule) {
  const DepInfo info =
      Parsed("/t/a.d: src/lib.rs src/b.rs src/lib.rs\n\n/t/liba.rlib: other\n\nsrc/lib.rs:\nsrc/b.rs:\n");
  EXPECT_THAT(info.sources, ElementsAre("src/lib.rs", "src/b.rs"));
  EXPECT_THAT(info.environment, IsEmpty());
}

TEST(DepInfoTest, OnlySpacesAreEscaped) {
  const DepInfo info = Parsed("sp\\ ace/x.d: sp\\ ace/a:b\\c.rs sp\\ ace/d\\ #x$.txt C:\\x\\\\ y\n");
  EXPECT_THAT(info.sources, ElementsAre("sp ace/a:b\\c.rs", "sp ace/d #x$.txt", "C:\\x\\ y"));
}

TEST(DepInfoTest, VariablesWithTheirEscapesAndWithoutValue) {
  const DepInfo info =
      Parsed("a.d: a.rs\n\na.rs:\n\n# env-dep:MYV=a b\\nc\\\\d\\re=f\n# env-dep:NOPE\n# env-dep:EMPTY=\n");
  EXPECT_THAT(info.environment,
              ElementsAre(Pair("MYV", "a b\nc\\d\re=f"), Pair("NOPE", std::nullopt), Pair("EMPTY", "")));
}

TEST(DepInfoTest, ChecksumsAndEmptyTextsAreTaken) {
  EXPECT_THAT(Parsed("a.d: a.rs\n\n# checksum:blake3=cf file_len:13 a.rs\n").sources, ElementsAre("a.rs"));
  EXPECT_THAT(Parsed("").sources, IsEmpty());
  EXPECT_THAT(Parsed("a.d: \n").sources, IsEmpty());
  EXPECT_THAT(Parsed("a.d:").sources, IsEmpty());
}

TEST(DepInfoTest, WhatIsNotOfTheFormNamesItsLine) {
  for (const std::string_view text :
       {"a.d: a.rs\nnonsense\n", "\n# env-dep:\n", "\n# env-dep:A=\\x\n", "\n# env-dep:A=\\"}) {
    const auto info = ParseDepInfo(text);
    ASSERT_FALSE(info.ok()) << text;
    EXPECT_EQ(info.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(info.status().message()), HasSubstr("line 2"));
  }
}

TEST(DepInfoTest, TheRealCompilersFileIsUnderstood) {
  if (!HasRustc()) GTEST_SKIP() << "no rustc on PATH";
  const TempDir dir;
  std::filesystem::create_directory(dir / "a b");
  std::ofstream(dir / "a b/x:y\\z.rs")
      << "mod q; pub fn f() -> Option<&'static str> { option_env!(\"SMELT_TEST_SET\") }\n"
         "pub fn g() -> Option<&'static str> { option_env!(\"SMELT_TEST_UNSET\") }\n"
         "pub const T: &str = include_str!(\"d #$.txt\");\n";
  std::ofstream(dir / "a b/q.rs") << "\n";
  std::ofstream(dir / "a b/d #$.txt") << "text\n";
  ::setenv("SMELT_TEST_SET", "one\ntwo\\three", 1);
  const RustcRun run = RunRustc({"--crate-type=lib", "--crate-name=x", "--emit=dep-info", "a b/x:y\\z.rs"}, dir.path());
  ::unsetenv("SMELT_TEST_SET");
  ASSERT_EQ(run.status, 0) << run.output;
  std::ifstream file(dir / "x.d");
  const DepInfo info = Parsed(std::string(std::istreambuf_iterator<char>(file), {}));
  EXPECT_THAT(info.sources, ElementsAre("a b/x:y\\z.rs", "a b/q.rs", "a b/d #$.txt"));
  EXPECT_THAT(info.environment,
              ElementsAre(Pair("SMELT_TEST_SET", "one\ntwo\\three"), Pair("SMELT_TEST_UNSET", std::nullopt)));
}

TEST(LinkerDependencyFileTest, ContinuationsAndMakeEscapes) {
  const auto files = ParseLinkerDependencyFile(
      "/t/a\\ b: \\\n  /usr/lib/crt1.o \\\n  /x/c\\ d.o \\\r\n  /x/$$e\\#f.o "
      "/usr/lib/crt1.o\n\n/usr/lib/crt1.o:\n\n/x/c\\ d.o:\n");
  ASSERT_TRUE(files.ok());
  EXPECT_THAT(*files, ElementsAre("/usr/lib/crt1.o", "/x/c d.o", "/x/$e#f.o"));
}

TEST(LinkerDependencyFileTest, WithoutARuleIsAnError) {
  EXPECT_FALSE(ParseLinkerDependencyFile("").ok());
  EXPECT_FALSE(ParseLinkerDependencyFile("just words\n").ok());
}

TEST(LinkerDependencyFileTest, ARuleWithoutPrerequisites) {
  const auto files = ParseLinkerDependencyFile("a:\n");
  ASSERT_TRUE(files.ok());
  EXPECT_THAT(*files, IsEmpty());
}

TEST(LinkerDependencyFileTest, TheRealLinkersFileIsUnderstood) {
  if (!HasRustc()) GTEST_SKIP() << "no rustc on PATH";
  const TempDir dir;
  std::ofstream(dir / "s.rs") << "fn main() {}\n";
  const RustcRun run = RunRustc({"--crate-name=s", "s.rs", "-Clink-arg=-Wl,--dependency-file=d e.d"}, dir.path());
  if (run.status != 0) GTEST_SKIP() << "no linker: " << run.output;
  std::ifstream file(dir / "d e.d");
  const auto files = ParseLinkerDependencyFile(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_THAT(*files, testing::Contains(testing::EndsWith("crt1.o")));
  EXPECT_THAT(*files, testing::Contains(testing::HasSubstr("/libstd-")));
  EXPECT_THAT(*files, testing::Each(testing::Not(testing::HasSubstr(":"))));
}

}  // namespace
}  // namespace smelt::rustc
