#include "src/compilers/rustc/refusal.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/compilers/rustc/invocation.h"

namespace smelt::rustc {
namespace {

struct Case {
  Refusal refusal;
  std::vector<std::string> command;
  std::map<std::string, std::string, std::less<>> environment = {};
};

// `more` behind a command line that is otherwise in order.
std::vector<std::string> Unit(const std::vector<std::string>& more, const std::string& crate_type = "lib") {
  std::vector<std::string> command = {"/tc/bin/rustc", "--crate-name", "foo",  "src/lib.rs",           "--crate-type",
                                      crate_type,      "--out-dir",    "/w/t", "--emit=dep-info,link", "-Cmetadata=1"};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

const std::string rustc = "/tc/bin/rustc";

// Of the command line as a whole, and of flags that do not parse.
std::vector<Case> CasesOfForm() {
  return {
      {Refusal::kNotACompile, {rustc, "-vV"}},
      {Refusal::kNotACompile, {rustc, "--version"}},
      {Refusal::kNotACompile, {rustc, "--help"}},
      {Refusal::kNotACompile, {rustc, "--explain", "E0308"}},
      {Refusal::kNotACompile, {rustc, "--explain"}},
      {Refusal::kNotACompile, {rustc, "-C", "help"}},
      {Refusal::kNotACompile, {rustc, "-W", "help"}},
      {Refusal::kNotACompile, {rustc, "-Zhelp"}},
      {Refusal::kNotACompile, {rustc, "-", "--crate-name", "___", "--print=file-names", "--no-such-flag"}},
      {Refusal::kNoInput, {rustc}},
      {Refusal::kNoInput, {rustc, "--crate-name=x", "--out-dir=o"}},
      {Refusal::kSourceFromStdin, {rustc, "--crate-name=x", "--out-dir=o", "-"}},
      {Refusal::kSeveralInputs, Unit({"other.rs"})},
      {Refusal::kSeveralInputs, Unit({""})},
      {Refusal::kBuildScriptProbe,
       {rustc, "--edition=2021", "--crate-name=probe", "--crate-type=lib", "--emit=dep-info,link", "--out-dir",
        "/w/target/debug/build/p-0/out/probe", "src/probe.rs"},
       {{"OUT_DIR", "/w/target/debug/build/p-0/out"}}},
      {Refusal::kBuildScriptProbe,
       {rustc, "--crate-name=probe", "--crate-type=lib", "--emit=metadata", "-o", "/tmp/x", "/tmp/probe.rs"},
       {{"OUT_DIR", "/w/out"}, {"HOST", "x"}, {"TARGET", "x"}, {"NUM_JOBS", "2"}}},
      {Refusal::kUnknownFlag, Unit({"--frobnicate"})},
      {Refusal::kUnknownFlag, Unit({"-x"})},
      {Refusal::kUnknownFlag, Unit({"--crate-nam=foo"})},
      {Refusal::kUnknownFlag, Unit({"-gCincremental=/i"})},
      {Refusal::kUnknownFlag, Unit({"--"})},
      {Refusal::kUnknownCodegenFlag, Unit({"-C", "frobnicate=1"})},
      {Refusal::kUnknownCodegenFlag, Unit({"-C=opt-level=1"})},
      {Refusal::kUnstableFlag, Unit({"-Zfrobnicate"})},
      {Refusal::kUnstableFlag, Unit({"-Zthreads=8"})},
      {Refusal::kUnstableFlag, Unit({"-Zno-link"})},
      {Refusal::kMalformedFlag, Unit({"--cfg"})},
      {Refusal::kMalformedFlag, Unit({"-C"})},
      {Refusal::kMalformedFlag, Unit({"--test=yes"})},
      {Refusal::kMalformedFlag, Unit({"-C", "incremental"})},
      {Refusal::kMalformedFlag, Unit({"-C", "profile-use="})},
      {Refusal::kMalformedFlag, Unit({"--extern", "=/x.rlib"})},
      {Refusal::kMalformedFlag, Unit({"--remap-path-prefix", "/home"})},
      {Refusal::kMalformedFlag, Unit({"--emit=link="})},
      {Refusal::kMalformedFlag, Unit({"-Cextra-filename=-a.b"})},
  };
}

// Of flags that are understood.
std::vector<Case> CasesOfMeaning() {
  return {
      {Refusal::kUnreadableArgFile, Unit({"@/no/such/file"})},
      {Refusal::kShellArgFiles, Unit({"-Zshell-argfiles"})},
      {Refusal::kOutputToFile, Unit({"-o", "x"})},
      {Refusal::kOutputToStdout, Unit({"--emit=asm=-"})},
      {Refusal::kNoOutDir, {rustc, "--crate-name", "x", "x.rs"}},
      {Refusal::kNoOutDir, {rustc, "--crate-name", "x", "x.rs", "--emit=metadata=x.rmeta,link"}},
      {Refusal::kNoCrateName, {rustc, "x.rs", "--out-dir=o"}},
      {Refusal::kUnsupportedEmit, Unit({"--emit=thin-link-bitcode"})},
      {Refusal::kUnsupportedEmit, Unit({"--emit=asm", "-Ccodegen-units=4"})},
      {Refusal::kUnsupportedEmit, Unit({"--emit=llvm-ir", "-Clto"})},
      {Refusal::kUnsupportedEmit, Unit({"--emit=link=x", "--crate-type=cdylib"})},
      {Refusal::kUnsupportedCrateType, Unit({}, "sdylib")},
      {Refusal::kUnsupportedCrateType, Unit({}, "rlib,")},
      {Refusal::kSideOutputs, Unit({"-Csave-temps"})},
      {Refusal::kSideOutputs, Unit({"-Zself-profile=/tmp"})},
      {Refusal::kSideOutputs, Unit({"-Z", "dump_mir=all"})},
      {Refusal::kSideOutputs, Unit({}, "bin"), {{"LLD_REPRODUCE", "/tmp/r.tar"}}},
      {Refusal::kUnpackedSplitDebuginfo, Unit({"-g", "-Csplit-debuginfo=unpacked"})},
      {Refusal::kUnpackedSplitDebuginfo, Unit({"-Csplit-debuginfo=unpacked", "-Cdebuginfo=line-tables-only"})},
      {Refusal::kSysrootOverride, Unit({"--sysroot", "/other"})},
      {Refusal::kRpath, Unit({"-Crpath"}, "bin")},
      {Refusal::kRpath, Unit({"-Crpath=yes"}, "proc-macro")},
      {Refusal::kForeignLinker, Unit({"-Clinker=rust-lld"}, "bin")},
      {Refusal::kForeignLinker, Unit({"-Clinker-flavor=ld.lld"}, "cdylib")},
      {Refusal::kForeignLinker, Unit({"--target=wasm32-unknown-unknown"}, "cdylib")},
      {Refusal::kForeignLinker, Unit({"--target=aarch64-apple-darwin", "-Clinker=clang"}, "bin")},
      {Refusal::kForeignLinker, Unit({"--target=thumbv7em-none-eabi"}, "bin")},
      {Refusal::kLogging, Unit({}), {{"RUSTC_LOG", "debug"}}},
      {Refusal::kUnknownToolchain, {"/usr/bin/cc", "-c", "x.c"}},
      {Refusal::kUnknownToolchain, {}},
      {Refusal::kUnknownToolchain, {"clippy-driver", "--crate-name", "x"}},
      {Refusal::kUnknownDriver, {"/opt/miri-driver", "/tc/bin/rustc", "--crate-name", "x"}},
      {Refusal::kUnknownDriver, {"/opt/rustc-wrapper", "/tc/bin/rustc", "-vV"}},
      {Refusal::kPartialRemap, Unit({"--remap-path-scope=macro,debuginfo"})},
  };
}

std::vector<Case> Cases() {
  std::vector<Case> cases = CasesOfForm();
  for (const Case& each : CasesOfMeaning()) cases.push_back(each);
  return cases;
}

std::variant<Invocation, Refusal> Parsed(const Case& each) {
  return Parse(
      each.command, "/w",
      [&](std::string_view name) {
        const auto found = each.environment.find(name);
        return found == each.environment.end() ? nullptr : &found->second;
      },
      [](const std::string&) -> std::optional<std::string> { return std::nullopt; });
}

TEST(RefusalTest, EachCommandLineIsRefusedForItsReason) {
  for (const Case& each : Cases()) {
    const auto parsed = Parsed(each);
    const Refusal* refusal = std::get_if<Refusal>(&parsed);
    ASSERT_NE(refusal, nullptr) << testing::PrintToString(each.command);
    EXPECT_EQ(Name(*refusal), Name(each.refusal)) << testing::PrintToString(each.command);
  }
}

TEST(RefusalTest, EveryValueIsReached) {
  std::set<int> reached;
  for (const Case& each : Cases()) reached.insert(static_cast<int>(each.refusal));
  for (int value = 0; value < kRefusals; ++value) {
    EXPECT_TRUE(reached.contains(value)) << Name(static_cast<Refusal>(value));
  }
}

TEST(RefusalTest, TheUnitThatTheCasesSpoilIsAccepted) {
  for (const std::string type : {"lib", "bin", "cdylib", "proc-macro"}) {
    EXPECT_TRUE(std::holds_alternative<Invocation>(Parsed({Refusal::kNoInput, Unit({}, type)}))) << type;
  }
}

TEST(RefusalTest, NamesAreUniqueAndSnakeCase) {
  std::set<std::string_view> names;
  for (int value = 0; value < kRefusals; ++value) {
    const std::string_view name = Name(static_cast<Refusal>(value));
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_THAT(std::string(name), testing::MatchesRegex("[a-z]+(_[a-z]+)*"));
    EXPECT_FALSE(Explanation(static_cast<Refusal>(value)).empty()) << name;
  }
}

}  // namespace
}  // namespace smelt::rustc
