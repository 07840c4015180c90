#include "src/compilers/rustc/key_arguments.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/compilers/rustc/recorded_commands.h"

namespace smelt::rustc {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::StartsWith;

Invocation Accepted(const std::vector<std::string>& more) {
  std::vector<std::string> command = {"/tc/bin/rustc", "--crate-name", "foo",
                                      "src/lib.rs",    "--out-dir",    "/w/t/debug/deps"};
  command.insert(command.end(), more.begin(), more.end());
  auto parsed = Parse(
      command, "/w", [](std::string_view) { return nullptr; }, [](const std::string&) { return std::nullopt; });
  EXPECT_TRUE(std::holds_alternative<Invocation>(parsed)) << testing::PrintToString(more);
  return std::holds_alternative<Invocation>(parsed) ? std::get<Invocation>(std::move(parsed)) : Invocation{};
}

PathMap Paths() {
  return RootsOf({.working_directory = "/w", .source = "src/lib.rs", .out_dir = "/w/t/debug/deps", .cargo_home = "/c"});
}

// The part behind what every unit of these tests begins with.
std::vector<std::string> KeyOf(const std::vector<std::string>& more) {
  std::vector<std::string> key = KeyArguments(Accepted(more), Paths(), "/w");
  const std::vector<std::string> common = {"--remap-path-prefix=/smelt/build=/cargo/build-dir",
                                           "--remap-path-prefix=/smelt/cargo/git=/cargo/git",
                                           "--remap-path-prefix=/smelt/cargo/registry=/cargo/registry",
                                           "--remap-path-prefix=/smelt/workspace=/proc/self/cwd",
                                           "--crate-name=foo",
                                           "src/lib.rs",
                                           "--out-dir=/smelt/build/deps"};
  EXPECT_TRUE(std::equal(common.begin(), common.end(), key.begin())) << testing::PrintToString(key);
  key.erase(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(common.size()));
  return key;
}

TEST(KeyArgumentsTest, SpellingDoesNotMatterButOrderDoes) {
  EXPECT_EQ(KeyOf({"-C", "opt-level=3", "--cfg", "a"}), KeyOf({"--codegen=opt_level=3", "--cfg=a"}));
  EXPECT_NE(KeyOf({"-O", "-Copt-level=0"}), KeyOf({"-Copt-level=0", "-O"}));
  EXPECT_THAT(KeyOf({"-C", "lto", "-A", "x", "-l", "static=hw", "-g"}),
              ElementsAre("-Clto", "-Ax", "-lstatic=hw", "-g"));
}

TEST(KeyArgumentsTest, ExternsBindNamesToCanonicalFiles) {
  EXPECT_THAT(KeyOf({"--extern", "priv:a=/w/t/debug/deps/liba-1.rmeta", "--extern=proc_macro"}),
              ElementsAre("--extern=priv:a=/smelt/build/deps/liba-1.rmeta", "--extern=proc_macro"));
  EXPECT_NE(KeyOf({"--extern=a=/x/1.rlib", "--extern=b=/x/2.rlib"}),
            KeyOf({"--extern=a=/x/2.rlib", "--extern=b=/x/1.rlib"}));
}

TEST(KeyArgumentsTest, PathsAreCanonical) {
  EXPECT_THAT(
      KeyOf({"-L", "native=/w/t/debug/build/x/out", "-L/elsewhere", "--remap-path-prefix=/w/a=b=/z"}),
      ElementsAre("-Lnative=/smelt/build/build/x/out", "-L/elsewhere", "--remap-path-prefix=/smelt/workspace/a=b=/z"))
      << "the FROM of rustc ends at the last '='";
  EXPECT_THAT(KeyOf({"--remap-path-prefix", "/w/a=/z"}), ElementsAre("--remap-path-prefix=/smelt/workspace/a=/z"));
  EXPECT_THAT(KeyOf({"-Cprofile-use=/w/p.profdata"}), ElementsAre("-Cprofile-use=/smelt/workspace/p.profdata"));
}

TEST(KeyArgumentsTest, RelativePathsStayWhileTheyMeanTheSame) {
  EXPECT_THAT(KeyOf({"-L", "native=libs"}), ElementsAre("-Lnative=libs"));
  EXPECT_THAT(KeyOf({"-L", "native=../out"}), ElementsAre("-Lnative=/out"));
  EXPECT_THAT(KeyOf({"-L", "native=t/debug/deps"}), ElementsAre("-Lnative=/smelt/build/deps")) << "another root";
}

TEST(KeyArgumentsTest, EmitsAreMerged) {
  EXPECT_THAT(KeyOf({"--emit=dep-info", "-g", "--emit", "link,metadata=/w/m.rmeta"}),
              ElementsAre("--emit=dep-info,link,metadata=/smelt/workspace/m.rmeta", "-g"));
}

TEST(KeyArgumentsTest, WhatChangesNothingIsLeftOut) {
  EXPECT_THAT(KeyOf({"-Cincremental=/w/i", "--error-format=json", "--color=always", "--diagnostic-width=80"}),
              ElementsAre("--error-format=json"));
}

TEST(KeyArgumentsTest, LinkersMatterWhereTheyRun) {
  EXPECT_THAT(KeyOf({"--crate-type=lib", "-Clinker=clang", "-Clink-arg=-s"}),
              ElementsAre("--crate-type=lib", "-Clink-arg=-s"));
  EXPECT_THAT(KeyOf({"--crate-type=bin", "-Clinker=clang"}), ElementsAre("--crate-type=bin", "-Clinker=clang"));
}

// The roots that the daemon would find for a recorded command.
PathMap RootsOfRecorded(const RecordedCommand& recorded, const Invocation& invocation, const std::string& cargo_home) {
  const auto variable = [&](std::string_view name) {
    const std::string* value = recorded.Variable(name);
    return value == nullptr ? std::string() : *value;
  };
  return RootsOf(
      {.working_directory = recorded.working_directory,
       .source = invocation.source,
       .out_dir = invocation.out_dir,
       .manifest_dir = variable("CARGO_MANIFEST_DIR"),
       .package_name = variable("CARGO_PKG_NAME"),
       .package_version = variable("CARGO_PKG_VERSION"),
       .build_out_dir = variable("OUT_DIR"),
       .cargo_home = cargo_home,
       .sysroot = invocation.compiler.substr(0, invocation.compiler.size() - std::string_view("/bin/rustc").size()),
       .commit_hash = "59807616"});
}

std::vector<std::string> KeyOfRecorded(const RecordedCommand& recorded, const std::string& cargo_home) {
  const auto parsed = recorded.Parsed();
  const Invocation* invocation = std::get_if<Invocation>(&parsed);
  if (invocation == nullptr) return {};
  const PathMap paths = RootsOfRecorded(recorded, *invocation, cargo_home);
  std::vector<std::string> key = KeyArguments(*invocation, paths, recorded.working_directory);
  key.push_back("in " + paths.Canonical(".", recorded.working_directory));
  return key;
}

// A path dependency outside of the workspace gets another -C metadata from cargo in each checkout, and so does what
// depends on it.
bool DependsOnOutside(const RecordedCommand& recorded) {
  return std::any_of(recorded.command.begin(), recorded.command.end(),
                     [](const std::string& argument) { return argument.find("outside") != std::string::npos; });
}

TEST(KeyArgumentsTest, AreTheSameInEveryCheckout) {
  const std::vector<RecordedCommand> ann = RecordingNamed("cargo_a.txt");
  const std::vector<RecordedCommand> ci = RecordingNamed("cargo_b.txt");
  std::set<std::vector<std::string>> known;
  for (const RecordedCommand& recorded : ci) known.insert(KeyOfRecorded(recorded, "/srv/ci/cargo"));
  int compared = 0;
  for (const RecordedCommand& recorded : ann) {
    const std::vector<std::string> key = KeyOfRecorded(recorded, "/home/ann/.cargo");
    if (key.empty()) continue;
    EXPECT_THAT(key, Each(Not(HasSubstr("/home/ann")))) << recorded.title;
    if (DependsOnOutside(recorded)) continue;
    EXPECT_TRUE(known.contains(key)) << recorded.title << ": " << testing::PrintToString(key);
    ++compared;
  }
  EXPECT_GE(compared, 25);
}

TEST(KeyArgumentsTest, DifferentUnitsHaveDifferentKeys) {
  std::set<std::vector<std::string>> keys;
  std::set<std::vector<std::string>> commands;
  for (const RecordedCommand& recorded : RecordingNamed("cargo_a.txt")) {
    const std::vector<std::string> key = KeyOfRecorded(recorded, "/home/ann/.cargo");
    if (key.empty()) continue;
    keys.insert(key);
    commands.insert(recorded.command);
  }
  EXPECT_EQ(keys.size(), commands.size());
}

TEST(LocalArgumentsTest, RemapsComeFirstAndTheDependencyFileLast) {
  const std::vector<std::string> arguments =
      LocalArguments(Accepted({"--remap-path-prefix=/w=/user"}), Paths(), {.linker_dependency_file = "/tmp/d"});
  const std::vector<std::string> remaps = Paths().RemapArguments();
  EXPECT_THAT(remaps, Contains("--remap-path-prefix=/w=/proc/self/cwd"));
  EXPECT_TRUE(std::equal(remaps.begin(), remaps.end(), arguments.begin()));
  EXPECT_EQ(arguments[arguments.size() - 2], "--remap-path-prefix=/w=/user");
  EXPECT_EQ(arguments.back(), "-Clink-arg=-Wl,--dependency-file=/tmp/d");
}

TEST(LocalArgumentsTest, IncrementalIsTakenOutInEverySpelling) {
  const std::vector<std::string> plain = LocalArguments(Accepted({"-g", "-O"}), Paths(), {});
  for (const std::vector<std::string>& spelling : {std::vector<std::string>{"-C", "incremental=/i"},
                                                   {"-Cincremental=/i"},
                                                   {"--codegen", "incremental=/i"},
                                                   {"--codegen=incremental=/i"}}) {
    std::vector<std::string> more = {"-g"};
    more.insert(more.end(), spelling.begin(), spelling.end());
    more.push_back("-O");
    EXPECT_EQ(LocalArguments(Accepted(more), Paths(), {}), plain) << testing::PrintToString(spelling);
    EXPECT_THAT(LocalArguments(Accepted(more), Paths(), {.incremental = true}), IsSupersetOf(spelling));
  }
}

TEST(LocalArgumentsTest, EverythingElseIsAsGiven) {
  const std::vector<std::string> more = {"--json=artifacts", "--error-format", "json", "-C",
                                         "opt_level=2",      "--color=never"};
  const std::vector<std::string> arguments = LocalArguments(Accepted(more), Paths(), {});
  EXPECT_THAT(std::vector<std::string>(arguments.end() - static_cast<std::ptrdiff_t>(more.size()), arguments.end()),
              more);
}

TEST(FixedEnvironmentTest, GrowsWithWhatRuns) {
  const std::vector<std::string> plain = FixedEnvironment(Accepted({"--crate-type=lib"}));
  EXPECT_TRUE(std::is_sorted(plain.begin(), plain.end()));
  EXPECT_THAT(plain, Contains("RUSTC_BOOTSTRAP"));
  EXPECT_THAT(plain, Contains("LLVM_OVERRIDE_PRODUCER"));
  EXPECT_THAT(plain, Not(Contains("LIBRARY_PATH")));
  EXPECT_THAT(plain, Not(Contains("CLIPPY_ARGS")));
  const std::vector<std::string> linking = FixedEnvironment(Accepted({"--crate-type=bin"}));
  EXPECT_THAT(linking, IsSupersetOf(plain));
  EXPECT_THAT(linking, IsSupersetOf({"LIBRARY_PATH", "LLD_VERSION", "SOURCE_DATE_EPOCH"}));
  Invocation clippy = Accepted({"--crate-type=lib"});
  clippy.driver = "/tc/bin/clippy-driver";
  EXPECT_THAT(FixedEnvironment(clippy), Contains("CLIPPY_ARGS"));
  for (const std::string& name : linking) EXPECT_TRUE(MayEnterKey(name)) << name;
}

TEST(MayEnterKeyTest, JobServerLoggingLoaderAndOurOwnNever) {
  for (const std::string name :
       {"CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS", "RUSTC_LOG", "RUSTC_LOG_COLOR", "RUST_BACKTRACE", "RUST_MIN_STACK",
        "LD_LIBRARY_PATH", "LD_PRELOAD", "PATH", "SMELT_OBSERVER_LOG"}) {
    EXPECT_FALSE(MayEnterKey(name)) << name;
  }
  for (const std::string name : {"OUT_DIR", "CARGO_PKG_NAME", "HOME", "CI", "MY_VAR", "RUSTC_BOOTSTRAP", "PATHS"}) {
    EXPECT_TRUE(MayEnterKey(name)) << name;
  }
}

}  // namespace
}  // namespace smelt::rustc
