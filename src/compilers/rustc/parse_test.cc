#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/recorded_commands.h"

namespace smelt::rustc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using Variables = std::map<std::string, std::string, std::less<>>;

std::variant<Invocation, Refusal> ParseWith(const std::vector<std::string>& command, const Variables& variables,
                                            const Variables& files) {
  return Parse(
      command, "/w",
      [&](std::string_view name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : &found->second;
      },
      [&](const std::string& path) {
        const auto found = files.find(path);
        return found == files.end() ? std::nullopt : std::optional(found->second);
      });
}

// A unit with `more` arguments, which must be accepted.
Invocation Accepted(const std::vector<std::string>& more, const Variables& variables = {},
                    const Variables& files = {}) {
  std::vector<std::string> command = {"/tc/bin/rustc", "--crate-name", "foo", "src/lib.rs", "--out-dir", "/w/t"};
  command.insert(command.end(), more.begin(), more.end());
  auto parsed = ParseWith(command, variables, files);
  const Refusal* refusal = std::get_if<Refusal>(&parsed);
  EXPECT_EQ(refusal, nullptr) << testing::PrintToString(more) << " refused: " << Name(*refusal);
  return refusal != nullptr ? Invocation{} : std::get<Invocation>(std::move(parsed));
}

std::optional<std::string> ValueOf(const Invocation& invocation, std::string_view flag) {
  for (const Argument& argument : invocation.arguments) {
    if (argument.flag == flag) return argument.value.value_or("(none)");
  }
  return std::nullopt;
}

KeyUse UseOf(const Invocation& invocation, std::string_view flag) {
  for (const Argument& argument : invocation.arguments) {
    if (argument.flag == flag) return argument.use;
  }
  ADD_FAILURE() << "no " << flag;
  return KeyUse::kValue;
}

TEST(ParseTest, EverySpellingOfAFlagMeansTheSame) {
  const std::pair<std::vector<std::string>, std::pair<std::string, std::string>> spellings[] = {
      {{"-C", "opt-level=3"}, {"-C opt-level", "3"}},
      {{"-Copt-level=3"}, {"-C opt-level", "3"}},
      {{"-Copt_level=3"}, {"-C opt-level", "3"}},
      {{"--codegen=opt-level=3"}, {"-C opt-level", "3"}},
      {{"--codegen", "opt-level=3"}, {"-C opt-level", "3"}},
      {{"-C", "lto"}, {"-C lto", "(none)"}},
      {{"-Z", "ub-checks=no"}, {"-Z ub-checks", "no"}},
      {{"--cfg", "a=\"b\""}, {"--cfg", "a=\"b\""}},
      {{"--cfg=a=\"b\""}, {"--cfg", "a=\"b\""}},
      {{"--cfg", "--test"}, {"--cfg", "--test"}},
      {{"-Lnative=/x"}, {"-L", "native=/x"}},
      {{"-L", "native=/x"}, {"-L", "native=/x"}},
      {{"-lfoo"}, {"-l", "foo"}},
      {{"--allow", "dead_code"}, {"-A", "dead_code"}},
      {{"-Adead_code"}, {"-A", "dead_code"}},
      {{"--deny=warnings"}, {"-D", "warnings"}},
      {{"--forbid=x"}, {"-F", "x"}},
      {{"--warn=x"}, {"-W", "x"}},
      {{"--verbose"}, {"-v", "(none)"}},
      {{"-g"}, {"-g", "(none)"}},
      {{"-gO"}, {"-O", "(none)"}},
  };
  for (const auto& [arguments, expected] : spellings) {
    EXPECT_EQ(ValueOf(Accepted(arguments), expected.first), expected.second) << testing::PrintToString(arguments);
  }
}

TEST(ParseTest, ArgumentsKnowWhereTheyStand) {
  const Invocation invocation = Accepted({"-C", "incremental=/i", "-Copt-level=1"});
  const std::vector<Argument>& arguments = invocation.arguments;
  ASSERT_EQ(arguments.size(), 5u);
  EXPECT_EQ(arguments[1].flag, "");
  EXPECT_EQ(arguments[1].first, 2);
  EXPECT_EQ(arguments[3].first, 5);
  EXPECT_EQ(arguments[3].count, 2);
  EXPECT_EQ(arguments[4].first, 7);
  EXPECT_EQ(arguments[4].count, 1);
  EXPECT_EQ(invocation.incremental, "/i");
}

TEST(ParseTest, ReadsExterns) {
  const Invocation invocation =
      Accepted({"--extern", "a=/t/liba.rlib", "--extern=priv,noprelude:b=/t/lib=b.rmeta", "--extern", "proc_macro"});
  ASSERT_EQ(invocation.externs.size(), 3u);
  EXPECT_EQ(invocation.externs[0].name, "a");
  EXPECT_EQ(invocation.externs[0].path, "/t/liba.rlib");
  EXPECT_EQ(invocation.externs[1].options, "priv,noprelude");
  EXPECT_EQ(invocation.externs[1].name, "b");
  EXPECT_EQ(invocation.externs[1].path, "/t/lib=b.rmeta");
  EXPECT_EQ(invocation.externs[2].name, "proc_macro");
  EXPECT_EQ(invocation.externs[2].path, "");
}

TEST(ParseTest, ReadsSearchPathsAndLibraries) {
  const Invocation invocation = Accepted({"-L", "dependency=/d", "-L/plain", "-L", "odd=/x", "-lstatic:+bundle=hw:hv"});
  EXPECT_THAT(invocation.search_paths,
              ElementsAre(Pair("dependency", "/d"), Pair("all", "/plain"), Pair("all", "odd=/x")));
  EXPECT_THAT(invocation.native_libraries, ElementsAre("static:+bundle=hw:hv"));
}

TEST(ParseTest, EmitsMergeAndTheLastPathWins) {
  const Invocation invocation = Accepted({"--emit=dep-info,link", "--emit", "metadata,link=/x/a.rlib"});
  ASSERT_EQ(invocation.emits.size(), 3u);
  EXPECT_EQ(invocation.emits[0].kind, "dep-info");
  EXPECT_EQ(invocation.emits[1].kind, "link");
  EXPECT_EQ(invocation.emits[1].path, "/x/a.rlib");
  EXPECT_TRUE(invocation.Emits("metadata"));
  EXPECT_FALSE(invocation.Emits("asm"));
}

TEST(ParseTest, OutputFileIsAcceptedWhereItNamesNothing) {
  EXPECT_EQ(ValueOf(Accepted({"-o", "ignored", "--emit=metadata=/x/a.rmeta"}), "-o"), "ignored");
}

TEST(ParseTest, CrateTypesByCommaAndByRepetition) {
  EXPECT_THAT(Accepted({"--crate-type=cdylib,rlib", "--crate-type", "staticlib"}).crate_types,
              ElementsAre("cdylib", "rlib", "staticlib"));
  EXPECT_THAT(Accepted({}).crate_types, ElementsAre("bin"));
}

TEST(ParseTest, LinksWhereALinkerRuns) {
  EXPECT_FALSE(Accepted({"--crate-type=lib,staticlib"}).Links());
  EXPECT_TRUE(Accepted({"--crate-type=lib,cdylib"}).Links());
  EXPECT_TRUE(Accepted({"--crate-type=proc-macro"}).Links());
  EXPECT_TRUE(Accepted({"--crate-type=lib", "--test"}).Links());
  EXPECT_FALSE(Accepted({"--crate-type=bin", "--emit=metadata"}).Links());
}

TEST(ParseTest, LinkersDrivenByACCompilerAreAccepted) {
  for (const std::string linker : {"cc", "/usr/bin/gcc", "gcc-12", "clang-17.0", "aarch64-linux-gnu-gcc", "clang++",
                                   "/ndk/bin/aarch64-linux-android21-clang", "g++"}) {
    EXPECT_EQ(Accepted({"--crate-type=bin", "-Clinker=" + linker}).linker, linker);
  }
  EXPECT_EQ(Accepted({"--crate-type=bin", "-Clinker-flavor=gcc", "-Clink-arg=-fuse-ld=mold"}).linker, std::nullopt);
  EXPECT_TRUE(Accepted({"--crate-type=bin", "--target=thumbv7em-none-eabi", "-Clinker=arm-none-eabi-gcc"}).Links());
}

TEST(ParseTest, WhatOnlyHarmsLinkedOutputsIsAcceptedElsewhere) {
  EXPECT_FALSE(Accepted({"--crate-type=lib", "-Crpath", "-Clinker=rust-lld"}).Links());
  EXPECT_FALSE(Accepted({"--crate-type=bin", "--emit=metadata", "-Crpath"}).Links());
  EXPECT_TRUE(Accepted({"--crate-type=bin", "-Crpath=no"}).Links());
  EXPECT_FALSE(Accepted({"--crate-type=lib", "--target=wasm32-unknown-unknown"}).Links());
}

TEST(ParseTest, SwitchedOffFlagsAreValues) {
  EXPECT_EQ(ValueOf(Accepted({"-Csave-temps=no"}), "-C save-temps"), "no");
  EXPECT_EQ(ValueOf(Accepted({"-Csplit-debuginfo=unpacked"}), "-C split-debuginfo"), "unpacked");
  EXPECT_EQ(ValueOf(Accepted({"-g", "-Csplit-debuginfo=packed"}), "-C split-debuginfo"), "packed");
  EXPECT_EQ(ValueOf(Accepted({"--emit=asm", "-Clto=off", "-Ccodegen-units=1"}), "-C lto"), "off");
  EXPECT_EQ(ValueOf(Accepted({"--remap-path-scope=all"}), "--remap-path-scope"), "all");
}

TEST(ParseTest, InputFiles) {
  EXPECT_THAT(Accepted({"--crate-type=lib", "-Cprofile-use=/p.profdata", "--target", "t/x.json"}).input_files,
              ElementsAre("/p.profdata", "t/x.json"));
  EXPECT_EQ(UseOf(Accepted({"--target=x.json", "--emit=metadata"}), "--target"), KeyUse::kInputFile);
  const Invocation triple = Accepted({"--target=aarch64-unknown-linux-gnu"});
  EXPECT_EQ(UseOf(triple, "--target"), KeyUse::kValue);
  EXPECT_EQ(triple.target, "aarch64-unknown-linux-gnu");
  EXPECT_THAT(triple.input_files, IsEmpty());
}

TEST(ParseTest, NativeCpuIsTold) {
  EXPECT_TRUE(Accepted({"-Ctarget-cpu=native"}).target_cpu_native);
  EXPECT_FALSE(Accepted({"-Ctarget-cpu=x86-64-v3"}).target_cpu_native);
}

TEST(ParseTest, DisplayFlagsAreValuesUnlessDiagnosticsAreJson) {
  EXPECT_EQ(UseOf(Accepted({"--color=always"}), "--color"), KeyUse::kValue);
  EXPECT_EQ(UseOf(Accepted({"--diagnostic-width=80", "--error-format=json"}), "--diagnostic-width"), KeyUse::kExcluded);
}

TEST(ParseTest, ArgumentFilesAreExpanded) {
  const Invocation invocation = Accepted({"@/w/args"}, {}, {{"/w/args", "--crate-type\nlib\r\n--cfg\n  a b \n"}});
  EXPECT_TRUE(invocation.had_arg_file);
  EXPECT_EQ(ValueOf(invocation, "--cfg"), "  a b ");
  EXPECT_THAT(invocation.crate_types, ElementsAre("lib"));
  EXPECT_EQ(invocation.raw.back(), "  a b ");
  EXPECT_FALSE(Accepted({}).had_arg_file);
}

TEST(ParseTest, ClippyIsADriver) {
  const std::vector<std::string> command = {"/tc/bin/clippy-driver", "/tc/bin/rustc",  "--crate-name", "x", "x.rs",
                                            "--out-dir=o",           "--emit=metadata"};
  const auto parsed = ParseWith(command, {}, {});
  const Invocation* invocation = std::get_if<Invocation>(&parsed);
  ASSERT_NE(invocation, nullptr);
  EXPECT_EQ(invocation->driver, "/tc/bin/clippy-driver");
  EXPECT_EQ(invocation->compiler, "/tc/bin/rustc");
  EXPECT_EQ(invocation->raw.front(), "--crate-name");
}

TEST(ParseTest, ACrateWithABuildScriptIsNoProbe) {
  const Variables variables = {{"OUT_DIR", "/w/target/debug/build/p-0/out"}};
  EXPECT_EQ(Accepted({"-C", "metadata=1f"}, variables).metadata, "1f");
  EXPECT_EQ(Accepted({}, variables).crate_name, "foo") << "not by cargo, but not in OUT_DIR either";
}

TEST(ParseTest, AProbeThatOnlyChecksAFileIsAccepted) {
  const Variables variables = {{"OUT_DIR", "/w/t"}};
  EXPECT_FALSE(Accepted({"--emit=metadata"}, {}).probe);
  EXPECT_TRUE(Accepted({"--emit=metadata"}, variables).probe);
  EXPECT_TRUE(Accepted({"--emit=dep-info,metadata"}, variables).probe);
}

TEST(ParseTest, EmptyLogIsNoLog) { EXPECT_EQ(Accepted({}, {{"RUSTC_LOG", ""}}).crate_name, "foo"); }

TEST(ParseTest, DescribesForPeople) {
  EXPECT_EQ(Accepted({"--crate-type=lib"}).Describe(), "foo lib");
  EXPECT_EQ(Accepted({"--crate-type=cdylib,rlib"}).Describe(), "foo cdylib+rlib");
  EXPECT_EQ(Accepted({"--test"}).Describe(), "foo test");
  EXPECT_EQ(Accepted({"--crate-type=lib", "--emit=metadata"}).Describe(), "foo lib (check)");
}

TEST(ParseTest, EverythingThatCargoRanIsAcceptedButQuestions) {
  int accepted = 0;
  for (const std::string name : {"cargo_a.txt", "cargo_b.txt"}) {
    for (const RecordedCommand& recorded : RecordingNamed(name)) {
      const auto parsed = recorded.Parsed();
      const Refusal* refusal = std::get_if<Refusal>(&parsed);
      EXPECT_EQ(refusal != nullptr, IsQuestion(recorded))
          << recorded.title << ": " << testing::PrintToString(recorded.command);
      if (refusal == nullptr) ++accepted;
    }
  }
  EXPECT_GE(accepted, 80);
}

}  // namespace
}  // namespace smelt::rustc
