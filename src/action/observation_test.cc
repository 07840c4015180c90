#include "src/action/observation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace smelt {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using Kind = ObserverEvent::Kind;

constexpr int kRustc = 100, kLinker = 200;
constexpr char kDriver[] = "librustc_driver-1.so";
constexpr char kMacro[] = "libmacro-1.so";

// A compile of a workspace member in /w, as the tests change it.
class ObservationTest : public ::testing::Test {
 protected:
  ObservationTest() {
    invocation_.compiler = "/tc/bin/rustc";
    invocation_.source = "src/lib.rs";
    invocation_.crate_name = "a";
    invocation_.crate_types = {"lib"};
    invocation_.emits = {{"dep-info", {}}, {"metadata", {}}, {"link", {}}};
    invocation_.out_dir = "/w/target/debug/deps";
    invocation_.extra_filename = "-1";
    invocation_.search_paths = {{"dependency", "/w/target/debug/deps"}};
    environment_ = {{"OUT_DIR", "/w/target/debug/build/a-1/out"}, {"PATH", "/opt/bin:/usr/bin"}, {"V", "value"}};
    Add(Kind::kProcess, "/tc/bin/rustc");
    dep_info_.sources = {"src/lib.rs"};
  }

  void Add(Kind kind, const std::string& path, const std::string& module = "", int pid = kRustc) {
    events_.push_back({kind, pid, pid, path, module});
  }

  void MakeItLink() {
    invocation_.crate_types = {"bin"};
    Add(Kind::kExec, "/usr/bin/cc", "", kLinker);
    Add(Kind::kProcess, "/usr/bin/x86_64-linux-gnu-gcc-12", "", kLinker);
  }

  Observation Result() {
    return Observe({invocation_,
                    paths_,
                    "/w",
                    {"/tc"},
                    {"/tmp"},
                    events_,
                    dep_info_,
                    linker_inputs_,
                    [this](std::string_view name) -> const std::string* {
                      auto found = environment_.find(std::string(name));
                      return found == environment_.end() ? nullptr : &found->second;
                    }});
  }

  rustc::Invocation invocation_;
  rustc::PathMap paths_{{{"workspace", "/w", "/smelt/workspace", "/proc/self/cwd"},
                         {"build", "/w/target/debug", "/smelt/build", "/cargo/build-dir"},
                         {"toolchain", "/tc", "/smelt/toolchain", ""}}};
  std::vector<ObserverEvent> events_;
  rustc::DepInfo dep_info_;
  std::vector<std::string> linker_inputs_;
  std::map<std::string, std::string> environment_;
};

TEST_F(ObservationTest, FilesReadAreInputsUnderCanonicalNamesOnce) {
  Add(Kind::kRead, "/w/src/lib.rs", kDriver);
  Add(Kind::kRead, "/w/src/m.rs", kDriver);
  Add(Kind::kRead, "/w/target/debug/deps/libb-2.rmeta", kDriver);
  Observation seen = Result();
  EXPECT_FALSE(seen.refusal);
  EXPECT_THAT(seen.shape.files(), ElementsAre("/smelt/build/deps/libb-2.rmeta", "/smelt/workspace/src/lib.rs",
                                              "/smelt/workspace/src/m.rs"));
}

TEST_F(ObservationTest, TheToolchainAndTheRunsOwnFilesAreNoInputs) {
  Add(Kind::kRead, "/tc/lib/libcore.rmeta", kDriver);
  Add(Kind::kWrite, "/w/target/debug/deps/rmetaXYZ", kDriver);
  Add(Kind::kWrite, "/w/target/debug/deps/rmetaXYZ/full.rmeta", kDriver);
  Add(Kind::kRead, "/w/target/debug/deps/rmetaXYZ/full.rmeta", kDriver);
  Add(Kind::kDirectory, "/w/target/debug/deps/rmetaXYZ");
  Add(Kind::kAbsent, "/w/target/debug/deps/rmetaXYZ/other");
  Add(Kind::kAbsent, "/w/target/debug/deps/liba-1.rmeta");
  Add(Kind::kRead, "/proc/self/maps", kDriver);
  Observation seen = Result();
  EXPECT_THAT(seen.shape.files(), ElementsAre("/smelt/workspace/src/lib.rs"));
  EXPECT_THAT(seen.shape.absent(), IsEmpty());
  EXPECT_THAT(seen.shape.listings(), IsEmpty());
}

TEST_F(ObservationTest, WhatWasNotThereAndWhatWasListedIsKept) {
  Add(Kind::kAbsent, "/w/src/m/mod.rs");
  Add(Kind::kStat, "/w/src/m.rs");
  Add(Kind::kDirectory, "/w/templates");
  Add(Kind::kDirectory, "/w/target/debug/deps");  // a library search: keyed by what was found in it
  Observation seen = Result();
  EXPECT_THAT(seen.shape.absent(), ElementsAre("/smelt/workspace/src/m/mod.rs"));
  EXPECT_THAT(seen.shape.existing(), ElementsAre("/smelt/workspace/src/m.rs"));
  EXPECT_THAT(seen.shape.listings(), ElementsAre("/smelt/workspace/templates"));
}

TEST_F(ObservationTest, AbsentNativeLibrariesCountAbsentCratesDoNot) {
  invocation_.search_paths.emplace_back("native", "/w/native");
  Add(Kind::kAbsent, "/w/native/libhw.a");
  Add(Kind::kAbsent, "/w/target/debug/deps/libb-2.so");
  EXPECT_THAT(Result().shape.absent(), ElementsAre("/smelt/workspace/native/libhw.a"));
}

TEST_F(ObservationTest, AProjectUnderTheTemporaryDirectoryIsAProjectLikeAnyOther) {
  paths_ = rustc::PathMap({{"workspace", "/tmp/p", "/smelt/workspace", ""}});
  Add(Kind::kRead, "/tmp/p/src/m.rs", kDriver);
  Add(Kind::kAbsent, "/tmp/p/src/m/mod.rs");
  Add(Kind::kWrite, "/tmp/p/generated.rs", kMacro);
  Observation seen = Result();
  EXPECT_THAT(seen.shape.files(), Contains("/smelt/workspace/src/m.rs"));
  EXPECT_THAT(seen.shape.absent(), ElementsAre("/smelt/workspace/src/m/mod.rs"));
  EXPECT_EQ(seen.refusal, NotStored::kSideEffects);
}

TEST_F(ObservationTest, AProjectOnATmpfsIsAProjectLikeAnyOther) {
  paths_ = rustc::PathMap({{"workspace", "/dev/shm/p", "/smelt/workspace", ""}});
  Observation seen = Observe({invocation_,
                              paths_,
                              "/dev/shm/p",
                              {"/tc"},
                              {"/tmp"},
                              events_,
                              dep_info_,
                              linker_inputs_,
                              [](std::string_view) -> const std::string* { return nullptr; }});
  EXPECT_FALSE(seen.refusal);
  EXPECT_THAT(seen.shape.files(), ElementsAre("/smelt/workspace/src/lib.rs"));
}

TEST_F(ObservationTest, AClosureWithoutTheSourcesIsNeverStored) {
  dep_info_.sources.clear();
  EXPECT_EQ(Result().refusal, NotStored::kUnobserved);
  Add(Kind::kRead, "/w/src/lib.rs", kDriver);
  EXPECT_FALSE(Result().refusal);
  dep_info_.sources = {"src/lib.rs", "/dev/stdin"};
  EXPECT_EQ(Result().refusal, NotStored::kUnobserved);
}

TEST_F(ObservationTest, OutDirThatOnlyNamesIncludedFilesIsAPathVariable) {
  dep_info_.environment = {{"OUT_DIR", environment_["OUT_DIR"]}};
  Add(Kind::kGetenv, "OUT_DIR", kDriver);
  Add(Kind::kRead, environment_["OUT_DIR"] + "/gen.rs", kDriver);
  Observation seen = Result();
  EXPECT_THAT(seen.shape.path_variables(), ElementsAre("OUT_DIR"));
  EXPECT_THAT(seen.shape.variables(), IsEmpty());
}

TEST_F(ObservationTest, OutDirWhoseValueIsUsedStaysLiteral) {
  dep_info_.environment = {{"OUT_DIR", environment_["OUT_DIR"]}};
  const std::string generated = environment_["OUT_DIR"] + "/gen.rs";
  const std::vector<std::vector<ObserverEvent>> kLeaks = {
      // env!("OUT_DIR") alone
      {{Kind::kGetenv, kRustc, kRustc, "OUT_DIR", kDriver}},
      // env!, then include!(concat!(env!, ...))
      {{Kind::kGetenv, kRustc, kRustc, "OUT_DIR", kDriver},
       {Kind::kGetenv, kRustc, kRustc, "OUT_DIR", kDriver},
       {Kind::kRead, kRustc, kRustc, generated, kDriver}},
      // env!, then another file
      {{Kind::kGetenv, kRustc, kRustc, "OUT_DIR", kDriver}, {Kind::kRead, kRustc, kRustc, "/w/src/m.rs", kDriver}},
      // include! in another thread at the same time
      {{Kind::kGetenv, kRustc, kRustc, "OUT_DIR", kDriver}, {Kind::kRead, kRustc, kRustc + 1, generated, kDriver}},
      // a macro asked too
      {{Kind::kGetenv, kRustc, kRustc, "OUT_DIR", kMacro}, {Kind::kRead, kRustc, kRustc, generated, kDriver}},
      // a directory whose name merely begins with the value
      {{Kind::kGetenv, kRustc, kRustc, "OUT_DIR", kDriver},
       {Kind::kRead, kRustc, kRustc, environment_["OUT_DIR"] + "2/gen.rs", kDriver}},
  };
  const std::vector<ObserverEvent> start = events_;
  for (const auto& leak : kLeaks) {
    events_ = start;
    events_.insert(events_.end(), leak.begin(), leak.end());
    Observation seen = Result();
    EXPECT_THAT(seen.shape.variables(), ElementsAre("OUT_DIR")) << &leak - kLeaks.data();
    EXPECT_THAT(seen.shape.path_variables(), IsEmpty());
  }
}

TEST_F(ObservationTest, VariablesThatTheCompilerReadsForItselfAreNoInputsButAMacrosAre) {
  Add(Kind::kGetenv, "HOME", kDriver);
  Add(Kind::kGetenv, "V", kMacro);
  Add(Kind::kGetenv, "UNSET", kMacro);
  Add(Kind::kGetenv, "CARGO_MAKEFLAGS", kMacro);
  EXPECT_THAT(Result().shape.variables(), ElementsAre("UNSET", "V"));
}

TEST_F(ObservationTest, AMacroThatCanWalkTheEnvironmentDependsOnAllOfIt) {
  EXPECT_FALSE(Result().shape.whole_environment());
  Add(Kind::kEnviron, std::string("/w/target/debug/deps/") + kMacro);
  EXPECT_TRUE(Result().shape.whole_environment());
}

TEST_F(ObservationTest, AProgramRunByAMacroIsNotStored) {
  Add(Kind::kExec, "/usr/bin/git");
  Add(Kind::kProcess, "/usr/bin/git", "", 300);
  Observation seen = Result();
  EXPECT_EQ(seen.refusal, NotStored::kRanAProgram);
  EXPECT_EQ(seen.detail, "/usr/bin/git");
}

TEST_F(ObservationTest, ALinkersPartsAreInputsAndItsSearchInPathIsATool) {
  MakeItLink();
  linker_inputs_ = {"/usr/lib/crt1.o"};
  Add(Kind::kAbsent, "/opt/bin/cc", "", kLinker);
  Add(Kind::kAbsent, "/usr/lib/gcc/specs", "", kLinker);
  Add(Kind::kLoaded, "/lib/libz.so.1", "", kLinker);
  Observation seen = Result();
  EXPECT_FALSE(seen.refusal) << seen.detail;
  EXPECT_THAT(seen.shape.files(),
              ElementsAre("/lib/libz.so.1", "/smelt/workspace/src/lib.rs", "/usr/bin/cc", "/usr/lib/crt1.o"));
  EXPECT_THAT(seen.shape.absent(), ElementsAre("/usr/lib/gcc/specs"));
  ASSERT_EQ(seen.shape.tools_size(), 1);
  EXPECT_EQ(seen.shape.tools(0).name(), "cc");
  EXPECT_EQ(seen.shape.tools(0).path(), "/usr/bin/cc");
}

TEST_F(ObservationTest, ALinkerThatDidNotCheckInNeedsADependencyFile) {
  MakeItLink();
  Add(Kind::kExec, "/usr/bin/mold", "", kLinker);
  EXPECT_EQ(Result().refusal, NotStored::kUnobservedProgram);
  linker_inputs_ = {"/usr/lib/crt1.o"};
  EXPECT_FALSE(Result().refusal);
}

TEST_F(ObservationTest, NetworkAndSideEffectsAreNotStored) {
  const std::vector<ObserverEvent> start = events_;
  Add(Kind::kNetwork, "", kMacro);
  EXPECT_EQ(Result().refusal, NotStored::kNetwork);
  events_ = start;
  Add(Kind::kRandom, "getrandom", kMacro);
  EXPECT_EQ(Result().refusal, NotStored::kRandom);
  events_ = start;
  Add(Kind::kRandom, "getrandom(GRND_INSECURE)", kMacro);  // the seed of a HashMap
  EXPECT_FALSE(Result().refusal);
  Add(Kind::kWrite, "/w/src/generated.rs", kMacro);
  EXPECT_EQ(Result().refusal, NotStored::kSideEffects);
  events_ = start;
  Add(Kind::kWrite, "/tmp/rustcABC/lib.o", kDriver);
  EXPECT_FALSE(Result().refusal);
}

TEST_F(ObservationTest, ALibraryThatAMacroLoadsIsAnInputThoseOfTheStartAreNot) {
  Add(Kind::kLoaded, "/lib/libc.so.6");
  Add(Kind::kRead, "/w/src/lib.rs", kDriver);
  Add(Kind::kLoaded, "/w/libplugin.so");
  EXPECT_THAT(Result().shape.files(), ElementsAre("/smelt/workspace/libplugin.so", "/smelt/workspace/src/lib.rs"));
}

TEST_F(ObservationTest, AToolchainInUsrDoesNotHideTheSystem) {
  Observation seen;
  Add(Kind::kRead, "/usr/include/x.h", kDriver);
  Add(Kind::kRead, "/usr/lib/rustlib/t/lib/libcore.rmeta", kDriver);
  seen = Observe({invocation_,
                  paths_,
                  "/w",
                  {"/usr"},
                  {"/tmp"},
                  events_,
                  dep_info_,
                  linker_inputs_,
                  [](std::string_view) -> const std::string* { return nullptr; }});
  EXPECT_THAT(seen.shape.files(), ElementsAre("/smelt/workspace/src/lib.rs", "/usr/include/x.h"));
}

TEST_F(ObservationTest, WithoutDepInfoAllThatTheCompilerAskedForCounts) {
  dep_info_ = {};
  Add(Kind::kGetenv, "V", kDriver);  // env!, or option_env!
  Add(Kind::kGetenv, "CARGO_MAKEFLAGS", kDriver);
  Add(Kind::kGetenv, "LLVM_SETTING", "libLLVM.so.1");
  Add(Kind::kDirectory, "/w/target/debug/deps");
  Add(Kind::kRead, "/w/src/lib.rs", kDriver);
  invocation_.search_paths = {{"dependency", "/w/libraries"}};
  Add(Kind::kDirectory, "/w/libraries");
  Observation seen = Result();
  EXPECT_FALSE(seen.refusal) << seen.detail;
  EXPECT_THAT(seen.shape.variables(), ElementsAre("V"));
  EXPECT_THAT(seen.shape.listings(), ElementsAre("/smelt/workspace/libraries"));
}

TEST_F(ObservationTest, WhatIsReadAndThenWrittenIsNotStored) {
  const std::vector<ObserverEvent> start = events_;
  Add(Kind::kRead, "/tmp/memo", kMacro);
  Add(Kind::kWrite, "/tmp/memo", kMacro);
  EXPECT_EQ(Result().refusal, NotStored::kSideEffects);
  events_ = start;
  Add(Kind::kWrite, "/tmp/rustcX/symbols.o", kDriver);
  Add(Kind::kRead, "/tmp/rustcX/symbols.o", kDriver);
  EXPECT_FALSE(Result().refusal);
}

TEST_F(ObservationTest, WhatTheCompilerMakesInItsOutputDirectoryHasItsNames) {
  const std::vector<ObserverEvent> start = events_;
  for (const char* name : {"a-1.a.0-cgu.0.rcgu.o", "rmetaAbCdEf", "rmetaAbCdEf/full.rmeta", "rustcAbCdEf/symbols.o",
                           ".tmpAbCdEf.temp-archive/tmp.a", "liba-1.rlib"}) {
    Add(Kind::kWrite, std::string("/w/target/debug/deps/") + name, kDriver);
  }
  EXPECT_FALSE(Result().refusal);
  Add(Kind::kWrite, "/w/target/debug/deps/notes.txt", kMacro);
  EXPECT_EQ(Result().refusal, NotStored::kSideEffects);
  events_ = start;
  MakeItLink();
  linker_inputs_ = {"/usr/lib/crt1.o"};
  Add(Kind::kWrite, "/w/target/debug/deps/.mold-AbCdEf", "", kLinker);
  EXPECT_FALSE(Result().refusal) << Result().detail;
}

TEST_F(ObservationTest, AFlagInTheTemporaryDirectoryIsAFlagLikeAnyOther) {
  Add(Kind::kAbsent, "/tmp/flag");
  Add(Kind::kStat, "/tmp/other-flag");
  Add(Kind::kStat, "/tmp");
  Add(Kind::kAbsent, "/tmp/ccAbCdEf.res", "", kLinker);
  Observation seen = Result();
  EXPECT_THAT(seen.shape.absent(), ElementsAre("/tmp/flag"));
  EXPECT_THAT(seen.shape.existing(), ElementsAre("/tmp/other-flag"));
}

TEST_F(ObservationTest, SourcesOfTheStandardLibraryAreInputsWhereTheyAreRead) {
  Add(Kind::kAbsent, "/tc/lib/rustlib/src/rust/library/std/src/lib.rs");
  Add(Kind::kRead, "/tc/lib/rustlib/src/rust/library/core/src/option.rs", kDriver);
  Observation seen = Result();
  EXPECT_THAT(seen.shape.absent(), IsEmpty());
  EXPECT_THAT(seen.shape.files(), Contains("/smelt/toolchain/lib/rustlib/src/rust/library/core/src/option.rs"));
}

TEST_F(ObservationTest, DirectoriesThatDotDotLeadsOutOfArePlain) {
  Add(Kind::kRead, "/w/src/a/b/../../x.rs", kDriver);
  Add(Kind::kAbsent, "/w/src/c/../y.rs", kDriver);
  Observation seen = Result();
  EXPECT_THAT(seen.shape.files(), Contains("/smelt/workspace/src/x.rs"));
  EXPECT_THAT(seen.shape.plain_directories(),
              ElementsAre("/smelt/workspace/src/a", "/smelt/workspace/src/a/b", "/smelt/workspace/src/c"));
  EXPECT_THAT(seen.shape.existing(), ElementsAre("/smelt/workspace/src/a", "/smelt/workspace/src/a/b"));
}

TEST_F(ObservationTest, APathThatLooksLikeACanonicalOneIsNotStored) {
  Add(Kind::kRead, "/smelt/build/x.rs", kDriver);
  EXPECT_EQ(Result().refusal, NotStored::kUnobserved);
}

TEST_F(ObservationTest, APathInADirectoryThatIsGoneIsNotStored) {
  MakeItLink();
  const std::vector<ObserverEvent> others = events_;
  for (const Kind kind :
       {Kind::kRead, Kind::kWrite, Kind::kAbsent, Kind::kStat, Kind::kDirectory, Kind::kLoaded, Kind::kExec}) {
    events_ = others;
    Add(kind, "gone/../cc", "", kind == Kind::kExec ? kLinker + 1 : kLinker);
    Add(Kind::kProcess, "/usr/bin/cc", "", kLinker + 1);
    EXPECT_EQ(Result().refusal, NotStored::kUnobserved) << static_cast<char>(kind);
  }
}

TEST_F(ObservationTest, AnInputFileThatIsNoFileOfOursIsNotStored) {
  invocation_.input_files = {"/dev/fd/63"};
  EXPECT_EQ(Result().refusal, NotStored::kUnobserved);
}

TEST_F(ObservationTest, WithoutTheObserverNothingIsKnown) {
  events_.clear();
  EXPECT_EQ(Result().refusal, NotStored::kUnobserved);
}

TEST(NotStored, NamesAreUnique) {
  std::map<std::string_view, int> names;
  for (int i = 0; i < kNotStoredReasons; ++i) ++names[Name(static_cast<NotStored>(i))];
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kNotStoredReasons));
  EXPECT_THAT(names, Not(Contains(::testing::Key(""))));
}

}  // namespace
}  // namespace smelt
