#include "src/compilers/rustc/path_map.h"

#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace smelt::rustc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

// Nested on purpose: target and cargo home inside the workspace.
PathMap Ann() {
  return PathMap(
      {{"workspace", "/home/ann/proj", "/smelt/workspace", "/proc/self/cwd"},
       {"cargo", "/home/ann/proj/.cargo", "/smelt/cargo", "/cargo"},
       {"build", "/home/ann/proj/target/debug", "/smelt/build", "/cargo/build-dir"},
       {"toolchain", "/opt/rust", "/smelt/toolchain", ""},
       {"rust-src", "/opt/rust/lib/rustlib/src/rust", "/smelt/toolchain/lib/rustlib/src/rust", "/rustc/59"}});
}

PathMap Ci() {
  return PathMap({{"workspace", "/srv/my job/p", "/smelt/workspace", "/proc/self/cwd"},
                  {"cargo", "/srv/\"cargo\"", "/smelt/cargo", "/cargo"},
                  {"build", "/out/debug", "/smelt/build", "/cargo/build-dir"},
                  {"toolchain", "/usr/rust", "/smelt/toolchain", ""}});
}

TEST(PathMapTest, CanonicalTakesTheLongestRoot) {
  const PathMap map = Ann();
  EXPECT_EQ(map.Canonical("/home/ann/proj/src/lib.rs", "/"), "/smelt/workspace/src/lib.rs");
  EXPECT_EQ(map.Canonical("/home/ann/proj", "/"), "/smelt/workspace");
  EXPECT_EQ(map.Canonical("/home/ann/proj/.cargo/registry", "/"), "/smelt/cargo/registry");
  EXPECT_EQ(map.Canonical("/home/ann/proj/target/debug/deps/a.rlib", "/"), "/smelt/build/deps/a.rlib");
  EXPECT_EQ(map.Canonical("/opt/rust/lib/rustlib/src/rust/x", "/"), "/smelt/toolchain/lib/rustlib/src/rust/x");
}

TEST(PathMapTest, CanonicalKeepsToComponentsAndNormalises) {
  const PathMap map = Ann();
  EXPECT_EQ(map.Canonical("/home/ann/project", "/"), "/home/ann/project");
  EXPECT_EQ(map.Canonical("src//./a/../b.rs", "/home/ann/proj"), "/smelt/workspace/src/b.rs");
  EXPECT_EQ(map.Canonical("../other", "/home/ann/proj"), "/home/ann/other");
  EXPECT_EQ(map.Canonical("/../..", "/x"), "/");
  EXPECT_EQ(PathMap().Canonical("a", "/w"), "/w/a");
}

TEST(PathMapTest, RealIsTheReverse) {
  const PathMap map = Ann();
  for (const std::string path : {"/home/ann/proj/a", "/home/ann/proj/.cargo", "/home/ann/proj/target/debug/deps/x",
                                 "/opt/rust/bin/rustc", "/opt/rust/lib/rustlib/src/rust/a", "/etc/hosts"}) {
    EXPECT_EQ(map.Real(map.Canonical(path, "/")), path);
  }
  EXPECT_EQ(map.Real("/smelt/workspaces"), "/smelt/workspaces");
}

TEST(PathMapTest, RemapsShortestFirst) {
  EXPECT_THAT(Ann().RemapArguments(), ElementsAre("--remap-path-prefix=/home/ann/proj=/proc/self/cwd",
                                                  "--remap-path-prefix=/home/ann/proj/.cargo=/cargo",
                                                  "--remap-path-prefix=/home/ann/proj/target/debug=/cargo/build-dir",
                                                  "--remap-path-prefix=/opt/rust/lib/rustlib/src/rust=/rustc/59"));
}

TEST(PathMapTest, DisplayReplacementsLongestFirst) {
  EXPECT_THAT(
      Ann().DisplayReplacements(),
      ElementsAre(Pair("/cargo/build-dir", "/home/ann/proj/target/debug"), Pair("/proc/self/cwd", "/home/ann/proj"),
                  Pair("/rustc/59", "/opt/rust/lib/rustlib/src/rust"), Pair("/cargo", "/home/ann/proj/.cargo")));
}

TEST(PathMapTest, TemplatesCarryTextBetweenMachines) {
  const std::string text = "error in /home/ann/proj/src/a.rs:3 and /cargo/registry/x, `/home/ann/proj`\n";
  const std::string made = Ann().ToTemplate(text, false);
  EXPECT_THAT(made, Not(HasSubstr("ann")));
  EXPECT_EQ(Ci().FromTemplate(made, false),
            "error in /srv/my job/p/src/a.rs:3 and /srv/\"cargo\"/registry/x, `/srv/my job/p`\n");
}

TEST(PathMapTest, TemplatesOfJsonEscapePaths) {
  const std::string made = Ann().ToTemplate(R"({"f":"/home/ann/proj/.cargo/a\n","g":"/proc/self/cwd\"x"})", true);
  EXPECT_EQ(Ci().FromTemplate(made, true), R"({"f":"/srv/\"cargo\"/a\n","g":"/srv/my job/p\"x"})");
  EXPECT_EQ(Ci().ToTemplate(R"({"f":"/srv/\"cargo\"/a"})", true),
            "{\"f\":\"\x01"
            "cargo\x02/a\"}");
}

TEST(PathMapTest, TemplatesOfDepInfoEscapeSpaces) {
  const std::string text =
      "/srv/my\\ job/p/a.d: src/a.rs /srv/my\\ job/p/b\\ c.rs\n\n# env-dep:DIR=/srv/my job/p/x\n/srv/my\\ job/p/b:";
  const std::string made = Ci().DepInfoToTemplate(text);
  EXPECT_THAT(made, Not(HasSubstr("srv")));
  EXPECT_EQ(Ci().DepInfoFromTemplate(made), text);
  EXPECT_EQ(
      Ann().DepInfoFromTemplate(made),
      "/home/ann/proj/a.d: src/a.rs /home/ann/proj/b\\ c.rs\n\n# env-dep:DIR=/home/ann/proj/x\n/home/ann/proj/b:");
}

TEST(PathMapTest, OnlyWholePathsAreReplaced) {
  for (const std::string text :
       {"/home/ann/project/a", "/mnt/home/ann/proj/a", "x/cargo/y", "/cargo.lock", "doc.org/cargo"}) {
    EXPECT_EQ(Ann().ToTemplate(text, false), text);
  }
  EXPECT_EQ(Ann().ToTemplate("file:///home/ann/proj/a", false), "file://\x01workspace\x02/a");
  EXPECT_EQ(Ann().ToTemplate("--x=/home/ann/proj:/cargo", false),
            "--x=\x01workspace\x02:\x01"
            "cargo\x02");
}

TEST(PathMapTest, TheNarrowestRemapDecidesWhoseASourceIs) {
  const PathMap map({{"workspace", "/w", "/smelt/workspace", "/proc/self/cwd"},
                     {"cargo", "/w/vendor/a/home", "/smelt/cargo", ""},
                     {"package:a", "/w/vendor/a", "", "/cargo/deps/a-1"},
                     {"build", "/w/vendor/a/target", "/smelt/build", "/cargo/build-dir"}});
  EXPECT_EQ(map.DisplayRootOf("/w/vendor/a/src/x.rs"), &map.roots()[2]);
  EXPECT_EQ(map.DisplayRootOf("/w/vendor/a/home/x"), &map.roots()[2]) << "a root that is not remapped hides nothing";
  for (const char* path : {"/w/src/x.rs", "/w/vendor/ab/x.rs", "/w/vendor/a/target/x", "/elsewhere"}) {
    EXPECT_EQ(map.DisplayRootOf(path), nullptr) << path;
  }
}

TEST(PathMapTest, ARootOfAnotherMachineOnlyIsNamed) {
  EXPECT_EQ(Ci().FromTemplate("\x01rust-src\x02/library", false), "/smelt/rust-src/library");
}

TEST(PathMapTest, TemplatesOfForeignBytesAreTaken) {
  for (const std::string text : {"\x01", "\x01\x02", "\x01workspace\x02", "a\x01\x01\x02\x02", "\x02"}) {
    EXPECT_EQ(Ann().FromTemplate(Ann().ToTemplate(text, false), false), text) << testing::PrintToString(text);
  }
  EXPECT_EQ(Ann().FromTemplate("cut\x01works", false), "cut\x01works");
}

// Texts of pieces that meet in every way; no embedded prefixes, so that the way back is exact.
TEST(PathMapTest, RoundTripsOfRandomTextsAreExact) {
  const std::vector<std::string> pieces = {"/home/ann/proj",
                                           "/home/ann/proj/target/debug",
                                           "/srv/my job/p",
                                           "/srv/my\\ job/p",
                                           "/out/debug",
                                           "/opt/rust",
                                           "/",
                                           " ",
                                           "a",
                                           ".",
                                           "\x01",
                                           "\x02",
                                           "\\",
                                           "\"",
                                           "\n",
                                           "://",
                                           "#",
                                           "workspace",
                                           ":",
                                           "\xc3\xa9",
                                           std::string(1, '\0'),
                                           "/srv/\\\"cargo\\\""};
  std::mt19937 random(20260901);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (unsigned n = random() % 12; n > 0; --n) text += pieces[random() % pieces.size()];
    for (const PathMap& map : {Ann(), Ci()}) {
      ASSERT_EQ(map.FromTemplate(map.ToTemplate(text, false), false), text) << testing::PrintToString(text);
      ASSERT_EQ(map.FromTemplate(map.ToTemplate(text, true), true), text) << testing::PrintToString(text);
      ASSERT_EQ(map.DepInfoFromTemplate(map.DepInfoToTemplate(text)), text) << testing::PrintToString(text);
    }
  }
}

}  // namespace
}  // namespace smelt::rustc
