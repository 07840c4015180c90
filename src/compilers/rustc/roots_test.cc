#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/compilers/rustc/path_map.h"

namespace smelt::rustc {
namespace {

using testing::IsSupersetOf;
using testing::Pair;
using testing::UnorderedElementsAre;

// But for those within cargo's home, which have a test of their own.
std::map<std::string, std::string> RealsOf(const RootHints& hints) {
  std::map<std::string, std::string> reals;
  const PathMap map = RootsOf(hints);
  for (const Root& root : map.roots()) {
    if (!root.name.starts_with("cargo-")) reals[root.name] = root.real;
  }
  return reals;
}

// rustc finds the source behind an embedded name only if a single prefix fits it.
TEST(RootsTest, NoEmbeddedNameLiesBelowAnother) {
  const PathMap map = RootsOf({.working_directory = "/x/dep",
                               .source = "/x/dep/src/lib.rs",
                               .out_dir = "/w/target/debug/deps",
                               .manifest_dir = "/x/dep",
                               .package_name = "dep",
                               .package_version = "1.2.0",
                               .cargo_home = "/home/u/.cargo",
                               .sysroot = "/tc",
                               .commit_hash = "59"});
  for (const Root& one : map.roots()) {
    for (const Root& other : map.roots()) {
      if (&one == &other || one.embedded.empty()) continue;
      EXPECT_FALSE(other.embedded.starts_with(one.embedded + "/")) << one.embedded << " " << other.embedded;
    }
  }
  EXPECT_EQ(map.Canonical("/home/u/.cargo/bin/cc", "/"), "/smelt/cargo/bin/cc");
  EXPECT_EQ(map.Canonical("/home/u/.cargo/registry/src/a", "/"), "/smelt/cargo/registry/src/a");
  EXPECT_EQ(map.Real("/smelt/cargo/git/x"), "/home/u/.cargo/git/x");
}

std::string BuildRootOf(const std::string& out_dir) {
  return RealsOf({.source = "/s.rs", .out_dir = out_dir})["build"];
}

TEST(RootsTest, AMemberOfTheWorkspace) {
  EXPECT_THAT(
      RealsOf({.working_directory = "/w",
               .source = "a/src/lib.rs",
               .out_dir = "/w/target/debug/deps",
               .manifest_dir = "/w/a",
               .cargo_home = "/home/u/.cargo",
               .sysroot = "/tc",
               .commit_hash = "59"}),
      UnorderedElementsAre(Pair("workspace", "/w"), Pair("cargo", "/home/u/.cargo"), Pair("build", "/w/target/debug"),
                           Pair("toolchain", "/tc"), Pair("rust-src", "/tc/lib/rustlib/src/rust")));
}

TEST(RootsTest, ACrateOfARegistryTellsWhereCargoHomeIs) {
  const std::string package = "/elsewhere/registry/src/r-1/itoa-1.0.0";
  EXPECT_THAT(RealsOf({.working_directory = package,
                       .source = package + "/src/lib.rs",
                       .manifest_dir = package,
                       .cargo_home = "/home/u/.cargo"}),
              UnorderedElementsAre(Pair("cargo", "/elsewhere")));
  const std::string git = "/c/git/checkouts/x-1/abc";
  EXPECT_THAT(RealsOf({.working_directory = git, .source = git + "/lib.rs", .manifest_dir = git}),
              UnorderedElementsAre(Pair("cargo", "/c")));
}

TEST(RootsTest, APathDependencyOutsideIsAPackage) {
  const PathMap map = RootsOf({.working_directory = "/x/dep",
                               .source = "/x/dep/src/lib.rs",
                               .manifest_dir = "/x/dep",
                               .package_name = "dep",
                               .package_version = "1.2.0"});
  ASSERT_EQ(map.roots().size(), 1u);
  EXPECT_EQ(map.roots()[0].name, "package");
  EXPECT_EQ(map.roots()[0].canonical, "/smelt/package");
  EXPECT_EQ(map.roots()[0].embedded, "/cargo/deps/dep-1.2.0");
}

TEST(RootsTest, ProfileDirectoriesOfEveryLayout) {
  EXPECT_EQ(BuildRootOf("/t/debug/deps"), "/t/debug");
  EXPECT_EQ(BuildRootOf("/t/x86_64-unknown-linux-gnu/release/deps/"), "/t/x86_64-unknown-linux-gnu/release");
  EXPECT_EQ(BuildRootOf("/t/debug/examples"), "/t/debug");
  EXPECT_EQ(BuildRootOf("/t/debug/build/foo-0123456789abcdef"), "/t/debug");
  EXPECT_EQ(BuildRootOf("/t/debug/build/foo-bar-0123456789abcdef/out"), "/t/debug");
  EXPECT_EQ(BuildRootOf("/t/debug/build/foo/0123456789abcdef/out"), "/t/debug");
  EXPECT_EQ(BuildRootOf("/t/debug/build/build/0123456789abcdef/out"), "/t/debug");
  EXPECT_EQ(BuildRootOf("/build/p/target/debug/deps"), "/build/p/target/debug");
  EXPECT_EQ(BuildRootOf("/anywhere/else"), "/anywhere/else");
}

TEST(RootsTest, CrossCompilingHasTwoProfileDirectories) {
  EXPECT_THAT(
      RealsOf({.source = "/s.rs", .out_dir = "/t/aarch64-unknown-linux-gnu/debug/deps"}),
      UnorderedElementsAre(Pair("build", "/t/aarch64-unknown-linux-gnu/debug"), Pair("build-host", "/t/debug")));
  EXPECT_THAT(
      RealsOf({.source = "/s.rs",
               .out_dir = "/t/debug/deps",
               .build_out_dir = "/t/aarch64-unknown-linux-gnu/debug/build/a-0123456789abcdef/out"}),
      UnorderedElementsAre(Pair("build", "/t/debug"), Pair("build-host", "/t/aarch64-unknown-linux-gnu/debug")));
  EXPECT_THAT(
      RealsOf(
          {.source = "/s.rs", .out_dir = "/t/debug/deps", .build_out_dir = "/t/debug/build/a-0123456789abcdef/out"}),
      UnorderedElementsAre(Pair("build", "/t/debug")));
}

TEST(RootsTest, NestedRootsAreAllKept) {
  const PathMap map = RootsOf({.working_directory = "/home/u/.cargo/w",
                               .source = "src/lib.rs",
                               .out_dir = "/home/u/.cargo/w/target/debug/deps",
                               .manifest_dir = "/home/u/.cargo/w",
                               .cargo_home = "/home/u/.cargo"});
  EXPECT_EQ(map.Canonical("/home/u/.cargo/w/target/debug/deps/a", "/"), "/smelt/build/deps/a");
  EXPECT_EQ(map.Canonical("/home/u/.cargo/w/src", "/"), "/smelt/workspace/src");
  EXPECT_EQ(map.Canonical("/home/u/.cargo/registry", "/"), "/smelt/cargo/registry");
}

TEST(RootsTest, ADirectoryIsOneRootOnly) {
  EXPECT_THAT(RealsOf({.working_directory = "/w", .source = "a.rs", .out_dir = "/w", .cargo_home = "/w"}),
              UnorderedElementsAre(Pair("workspace", "/w")));
  EXPECT_TRUE(RealsOf({.working_directory = "/", .source = "a.rs", .out_dir = "/"}).empty());
}

}  // namespace
}  // namespace smelt::rustc
