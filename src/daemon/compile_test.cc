// Hits: when there is one, and that it is what the compiler would have made.

#include "src/daemon/compile.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "src/daemon/testing/daemon_fixture.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class CompileTest : public DaemonFixture {
 protected:
  // What a change makes of a compile that was stored before; the outputs are checked in any case.
  std::string After(const std::function<void()>& change) {
    change();
    CompileAndCheck(one_);
    return Last();
  }
};

TEST_F(CompileTest, AMissIsStoredAndTheNextCompileIsAHitWithTheSameBytes) {
  const Outcome first = CompileAndCheck(one_);
  EXPECT_TRUE(first.ran);
  EXPECT_EQ(Last(), "miss");
  const auto outputs = one_.Outputs();
  ASSERT_EQ(outputs.size(), 3u);
  one_.RemoveTarget();

  const Outcome second = CompileAndCheck(one_);
  EXPECT_FALSE(second.ran || second.plain);
  EXPECT_EQ(Last(), "hit");
  EXPECT_EQ(one_.Outputs(), outputs);
  EXPECT_EQ(Count("hits"), 1);
  EXPECT_EQ(Count("misses"), 1);
  EXPECT_EQ(Count("stored"), 1);
}

TEST_F(CompileTest, OutputsThatAreInPlaceAreOnlyTouched) {
  CompileAndCheck(one_);
  const std::string rlib = one_.Deps() + "/liba-1.rlib";
  const FileStat before = *FileSystem::System().Stat(rlib);
  files_.ResetCounts();
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "hit");
  const FileStat after = *FileSystem::System().Stat(rlib);
  EXPECT_EQ(after.inode, before.inode);
  EXPECT_GT(after.mtime_ns, before.mtime_ns);
  EXPECT_EQ(files_.Count(Call::kTouch), 2);  // the .rmeta and the .rlib
  EXPECT_EQ(files_.Count(Call::kCopyToNewFile), 0);
}

TEST_F(CompileTest, OutputsThatSomebodyChangedInPlaceAreRestored) {
  CompileAndCheck(one_);
  CompileAndCheck(one_);
  const std::string rlib = one_.Deps() + "/liba-1.rlib";
  std::string contents = *FileSystem::System().ReadFile(rlib);
  contents[0] = static_cast<char>(contents[0] ^ 1);
  std::ofstream(rlib, std::ios::in | std::ios::out) << contents;
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "hit");
  ASSERT_EQ(::chmod(rlib.c_str(), 0600), 0);
  CompileAndCheck(one_);
  EXPECT_EQ(FileSystem::System().Stat(rlib)->mode, 0644u);
}

TEST_F(CompileTest, AHitPrintsWhatTheCompilerPrintedWithRealPaths) {
  CompileAndCheck(one_);
  const Outcome hit = CompileAndCheck(one_);
  EXPECT_THAT(hit.standard_error, HasSubstr("warning: look at " + one_.Path("src/lib.rs") + "\n"));
  EXPECT_THAT(hit.standard_error, HasSubstr("\"artifact\":\"" + one_.Deps() + "/liba-1.rmeta\""));
  EXPECT_EQ(hit.standard_output, one_.Path("src/lib.rs") + "\n");
}

TEST_F(CompileTest, AnotherCheckoutHitsAndSeesItsOwnPaths) {
  CompileAndCheck(one_);
  const Outcome hit = CompileAndCheck(two_);
  EXPECT_EQ(Last(), "hit");
  EXPECT_THAT(hit.standard_error, HasSubstr("look at " + two_.Path("src/lib.rs") + "\n"));
  EXPECT_THAT(hit.standard_error, HasSubstr(two_.Deps() + "/liba-1.rlib"));
  EXPECT_THAT(hit.standard_error, Not(HasSubstr(one_.directory() + "/")));
  EXPECT_EQ(hit.standard_output, two_.Path("src/lib.rs") + "\n");
  EXPECT_THAT(two_.Outputs()["a-1.d"], HasSubstr(two_.Deps() + "/a-1.d: src/lib.rs src/m.rs"));
  EXPECT_EQ(two_.Outputs()["liba-1.rlib"], one_.Outputs()["liba-1.rlib"]);
}

TEST_F(CompileTest, ARestartForgetsNothing) {
  CompileAndCheck(one_);
  Restart();
  EXPECT_EQ(After([&] { two_.RemoveTarget(); }), "hit");
}

TEST_F(CompileTest, EachEditIsAMissAndItsRevertAHit) {
  CompileAndCheck(one_);
  EXPECT_EQ(After([&] { one_.Write("src/lib.rs", "fn b\nmod m\n"); }), "miss");
  EXPECT_EQ(After([&] { one_.Write("src/m.rs", "fn n\n"); }), "miss");
  EXPECT_EQ(After([&] { one_.Write("src/m.rs", "fn m\n"); }), "hit") << "as after the first edit";
  EXPECT_EQ(After([&] { one_.Write("src/lib.rs", "fn a\nmod m\nwarn\nprint\n"); }), "hit");
  EXPECT_EQ(After([&] { one_.Write("src/m.rs", "fn n\n"); }), "miss") << "with the first lib.rs";
}

TEST_F(CompileTest, AModuleThatMovesIsSeen) {
  CompileAndCheck(one_);
  EXPECT_EQ(After([&] { one_.Write("src/m/mod.rs", "fn inner\n"); }), "miss");
  EXPECT_EQ(After([&] { one_.Remove("src/m"); }), "hit");
}

TEST_F(CompileTest, AFileBecomesADirectoryAndBack) {
  one_.Write("src/lib.rs", "macro-exists data\nmacro-read data\n");
  one_.Write("data", "1");
  CompileAndCheck(one_);
  EXPECT_EQ(After([&] {
              one_.Remove("data");
              one_.Write("data/inside", "1");
            }),
            "miss");
  EXPECT_EQ(After([&] {
              one_.Remove("data");
              one_.Write("data", "1");
            }),
            "hit");
}

TEST_F(CompileTest, WhatAMacroReadsIsAnInput) {
  one_.Write("src/lib.rs", "macro-read q.sql\nmacro-exists flag\nmacro-list t\nmacro-env V\n");
  one_.Write("q.sql", "select 1");
  one_.Write("t/a", "");
  CompileAndCheck(one_);
  EXPECT_EQ(After([] {}), "hit");
  EXPECT_EQ(After([&] { one_.Write("q.sql", "select 2"); }), "miss");
  EXPECT_EQ(After([&] { one_.Write("flag", ""); }), "miss");
  EXPECT_EQ(After([&] { one_.Write("t/b", ""); }), "miss");
  EXPECT_EQ(After([&] { one_.Write("t/a", "contents do not matter"); }), "hit");
  EXPECT_EQ(After([&] { one_.environment["V"] = "1"; }), "miss");
  EXPECT_EQ(After([&] { one_.environment["V"] = ""; }), "miss") << "empty is not unset";
  EXPECT_EQ(After([&] { one_.environment.erase("V"); }), "hit");
  EXPECT_EQ(After([&] { one_.Remove("q.sql"); }), "miss");
  EXPECT_EQ(After([&] { one_.Write("q.sql", "select 2"); }), "hit");
}

TEST_F(CompileTest, VariablesOfDepInfoAreInputsWithTheirValues) {
  WriteBoth("src/lib.rs", "env MYENV\nenv CARGO_MANIFEST_DIR\n");
  CompileAndCheck(one_);
  EXPECT_EQ(After([&] { one_.environment["MYENV"] = "x"; }), "miss");
  EXPECT_EQ(After([&] { one_.environment["UNRELATED"] = "x"; }), "hit");
  two_.environment["MYENV"] = "x";
  CompileAndCheck(two_);
  EXPECT_EQ(Last(), "miss") << "the manifest's directory is in the outputs";
}

TEST_F(CompileTest, AVariableThatOnlyNamesIncludedFilesIsTheSameInEveryCheckout) {
  WriteBoth("src/lib.rs", "include-env OUT_DIR gen.rs\n");
  WriteBoth("target/debug/build/a-0123456789abcdef/out/gen.rs", "fn generated\n");
  for (Checkout* checkout : {&one_, &two_}) {
    checkout->environment["OUT_DIR"] = checkout->Path("target/debug/build/a-0123456789abcdef/out");
    CompileAndCheck(*checkout);
  }
  EXPECT_EQ(Last(), "hit");
  EXPECT_EQ(After([&] { one_.Write("target/debug/build/a-0123456789abcdef/out/gen.rs", "fn other\n"); }), "miss");
}

TEST_F(CompileTest, AMacroThatCanWalkTheEnvironmentDependsOnAllOfIt) {
  one_.Write("src/lib.rs", "macro-environ\n");
  CompileAndCheck(one_);
  EXPECT_EQ(After([] {}), "hit");
  EXPECT_EQ(After([&] { one_.environment["NEW"] = "1"; }), "miss");
  EXPECT_EQ(After([&] { one_.environment["CARGO_MAKEFLAGS"] = "-j2"; }), "hit");
  EXPECT_EQ(After([&] { one_.environment.erase("NEW"); }), "hit");
}

TEST_F(CompileTest, ExternsAreInputsByContent) {
  WriteBoth("ext/libb.rmeta", "b 1");
  for (Checkout* checkout : {&one_, &two_}) {
    checkout->arguments = {"--extern", "b=" + checkout->Path("ext/libb.rmeta")};
    CompileAndCheck(*checkout);
  }
  EXPECT_EQ(Last(), "hit");
  EXPECT_EQ(After([&] { one_.Write("ext/libb.rmeta", "b 2"); }), "miss");
}

TEST_F(CompileTest, EachArgumentThatMattersIsAMissAndTheOthersAreNot) {
  CompileAndCheck(one_);
  EXPECT_EQ(After([&] { one_.arguments = {"--cfg", "feature=\"x\""}; }), "miss");
  EXPECT_EQ(After([&] { one_.arguments = {"-C", "opt-level=3"}; }), "miss");
  EXPECT_EQ(After([&] { one_.arguments = {"--check-cfg", "cfg(docsrs)"}; }), "miss");
  EXPECT_EQ(After([&] { one_.arguments = {"--cap-lints", "allow"}; }), "miss");
  EXPECT_EQ(After([&] { one_.arguments = {"--diagnostic-width=80"}; }), "hit");
}

TEST_F(CompileTest, AnotherCompilerIsAMissEvenIfItSaysTheSame) {
  CompileAndCheck(one_);
  EXPECT_EQ(After([&] { WriteAndWait(toolchain_.library(), "another core"); }), "miss");
  EXPECT_EQ(After([&] { WriteAndWait(toolchain_.sysroot() + "/lib/rustlib/x86_64-unknown-linux-gnu/new", ""); }),
            "miss");
}

TEST_F(CompileTest, ACompilerBehindASymbolicLinkIsTheOneThatItPointsToNow) {
  FakeToolchain other(dir_ / "other", "1.96.0");
  fs::create_symlink(toolchain_.sysroot(), dir_ / "current");
  one_.rustc = dir_ / "current/bin/rustc";
  CompileAndCheck(one_);
  fs::remove(dir_ / "current");
  fs::create_symlink(other.sysroot(), dir_ / "current");
  EXPECT_EQ(After([] {}), "miss");
}

TEST_F(CompileTest, ProgramsAreLinkedByWhatPathLeadsTo) {
  WriteAndWait(dir_ / "bin1/cc", "#!cc 1\n", 0755);
  WriteAndWait(dir_ / "bin1/crt1.o", "crt1\n");
  one_.crate_type = "bin", one_.emits = "dep-info,link";
  one_.environment["PATH"] = dir_ / "bin0" + ":" + (dir_ / "bin1");
  CompileAndCheck(one_);
  EXPECT_EQ(Last(), "miss");
  EXPECT_TRUE(FileSystem::System().Stat(one_.Deps() + "/a-1")->mode & 0100);
  EXPECT_EQ(After([&] { one_.RemoveTarget(); }), "hit");
  EXPECT_EQ(FileSystem::System().Stat(one_.Deps() + "/a-1")->mode, 0755u);
  EXPECT_EQ(After([&] { WriteAndWait(dir_ / "bin1/crt1.o", "crt1, newer\n"); }), "miss");
  EXPECT_EQ(After([&] {
              WriteAndWait(dir_ / "bin0/cc", "#!cc 0\n", 0755);
              WriteAndWait(dir_ / "bin0/crt1.o", "crt1\n");
            }),
            "miss");
}

TEST_F(CompileTest, WithoutRemappingKeysHoldRealPaths) {
  options_.remap = false;
  Restart();
  CompileAndCheck(one_);
  EXPECT_EQ(After([] {}), "hit");
  CompileAndCheck(two_);
  EXPECT_EQ(Last(), "miss");
}

TEST_F(CompileTest, TheSettingOfRemappingIsInTheKey) {
  CompileAndCheck(one_);
  options_.remap = false;
  Restart();
  EXPECT_EQ(After([] {}), "miss");
}

TEST_F(CompileTest, ManyShapesOfOneUnitStayKnown) {
  const std::vector<std::string> kSources = {"fn a\n", "macro-env V\n", "mod m\n", "macro-exists x\n"};
  for (const std::string& source : kSources) EXPECT_EQ(After([&] { one_.Write("src/lib.rs", source); }), "miss");
  for (const std::string& source : kSources) EXPECT_EQ(After([&] { one_.Write("src/lib.rs", source); }), "hit");
}

TEST_F(CompileTest, LongDiagnosticsComeBackWhole) {
  std::string source;
  for (int i = 0; i < 2000; ++i) source += "warn\n";
  one_.Write("src/lib.rs", source);
  const Outcome miss = CompileAndCheck(one_), hit = CompileAndCheck(one_);
  EXPECT_FALSE(hit.ran);
  EXPECT_GT(hit.standard_error.size(), 100'000u);
  EXPECT_THAT(hit.standard_error, HasSubstr(one_.Path("src/lib.rs")));
}

TEST_F(CompileTest, WhatTheCompilerWritesNeverReachesTheStoreThroughALink) {
  CompileAndCheck(one_);
  one_.RemoveTarget();
  CompileAndCheck(one_);  // a hit: its .rlib may share the store's inode
  EXPECT_EQ(After([&] { one_.Write("src/m.rs", "fn other\n"); }), "miss");
  EXPECT_EQ(After([&] { one_.Write("src/m.rs", "fn m\n"); }), "hit");
}

TEST_F(CompileTest, WithoutDepInfoVariablesAreInputsAllTheSame) {
  one_.emits = "metadata,link";
  one_.Write("src/lib.rs", "env V\n");
  CompileAndCheck(one_);
  EXPECT_EQ(After([] {}), "hit");
  EXPECT_EQ(After([&] { one_.environment["V"] = "1"; }), "miss");
}

TEST_F(CompileTest, TheAnswerOfAProbeOfABuildScriptIsKnownEvenIfItIsNo) {
  Checkout probe = one_;
  probe.metadata = "";
  probe.emits = "dep-info,metadata";
  probe.environment = {{"OUT_DIR", probe.Path("target/out")}, {"HOST", "x"}, {"TARGET", "x"}, {"NUM_JOBS", "2"}};
  probe.Write("src/lib.rs", "fail-if-set V\n");
  auto answer = [&] {
    const Outcome outcome = Compile(probe);
    return Last() + " " + std::to_string(outcome.exit_code);
  };
  EXPECT_EQ(answer(), "miss 0");
  EXPECT_EQ(answer(), "hit 0");
  probe.environment["V"] = "";
  probe.RemoveTarget();
  Compile(probe);
  probe.Write("src/lib.rs", "fn edited\nfail-if-set V\n");
  EXPECT_EQ(answer(), "miss 1");
  EXPECT_EQ(answer(), "hit 1");
  EXPECT_TRUE(probe.Outputs().empty());
  probe.environment.erase("V");
  EXPECT_EQ(answer(), "miss 0");
}

// Any sequence of edits, in both checkouts, gives what plain cargo would give.
TEST_F(CompileTest, RandomEditsNeverGiveAWrongHit) {
  const std::vector<std::string> kLines = {"fn a\n",        "mod m\n",         "mod n\n",      "macro-read d1\n",
                                           "macro-env V\n", "macro-list t\n",  "env W\n",      "macro-exists d2\n",
                                           "warn\n",        "include ../d1\n", "random-seed\n"};
  WriteBoth("src/n.rs", "fn n\n");
  WriteBoth("t/x", "");
  WriteBoth("d1", "one\n");
  std::mt19937 random(11);
  int hits = 0;
  for (int step = 0; step < 120; ++step) {
    Checkout& checkout = random() % 2 ? one_ : two_;
    switch (random() % 7) {
      case 0:
        checkout.Write("src/lib.rs", kLines[random() % kLines.size()] + kLines[random() % kLines.size()]);
        break;
      case 1:
        checkout.Write("src/m.rs", kLines[random() % 2 ? 0 : 4]);
        break;
      case 2:
        random() % 2 ? checkout.Write("d2", "") : checkout.Remove("d2");
        break;
      case 3:
        checkout.Write("d1", random() % 2 ? "one\n" : "two\n");
        break;
      case 4:
        random() % 2 ? checkout.Write("t/y", "") : checkout.Remove("t/y");
        break;
      case 5:
        random() % 2 ? checkout.Write("src/n/mod.rs", "fn inner\n") : checkout.Remove("src/n");
        break;
      default:
        checkout.environment[random() % 2 ? "V" : "W"] = random() % 2 ? "1" : "";
    }
    if (random() % 3 == 0) checkout.RemoveTarget();
    CompileAndCheck(checkout);
    ASSERT_FALSE(HasFailure()) << "step " << step;
    hits += Last() == "hit";
  }
  EXPECT_GT(hits, 20);
}

TEST_F(CompileTest, AHitsFilesHaveTheModesThatTheCompilersWouldHave) {
  const auto mode_of = [&](const std::string& name) { return files_.Stat(two_.Deps() + "/" + name)->mode; };
  WriteAndWait(dir_ / "bin/cc", "#!cc\n", 0755);
  WriteAndWait(dir_ / "bin/crt1.o", "crt1\n");
  for (Checkout* checkout : {&one_, &two_}) {
    checkout->crate_type = "bin", checkout->emits = "dep-info,link";
    checkout->environment["PATH"] = dir_ / "bin";
  }
  Compile(one_);
  for (const std::uint32_t umask : {077u, 002u, 022u}) {
    two_.umask = umask;
    Compile(two_);
    EXPECT_EQ(Last(), "hit");
    EXPECT_EQ(mode_of("a-1"), 0777 & ~umask);
    EXPECT_EQ(mode_of("a-1.d"), 0666 & ~umask);
    two_.RemoveTarget();
  }
}

}  // namespace
}  // namespace smelt
