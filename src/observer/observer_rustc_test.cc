// What a real rustc does under the observer. Skipped where there is none.

#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/observer/observed_run.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using Kind = ObserverEvent::Kind;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr char kLibrary[] = R"rust(
mod part;
pub const TEXT: &str = include_str!("../data.txt");
include!(concat!(env!("OUT_DIR"), "/generated.rs"));
pub const OPTION: Option<&str> = option_env!("OPTIONAL_VARIABLE");
pub fn f() -> u32 { part::F + GENERATED }
)rust";

constexpr char kMacros[] = R"rust(
extern crate proc_macro;
use proc_macro::TokenStream;
#[proc_macro] pub fn ask(_: TokenStream) -> TokenStream {
  let directory = std::env::var("MACRO_DIRECTORY").unwrap();
  let text = std::fs::read_to_string(format!("{directory}/data.txt")).unwrap();
  let absent = std::fs::metadata(format!("{directory}/absent.txt")).is_err();
  let mut names: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|e| e.unwrap().file_name()).collect();
  names.sort();
  let seen: std::collections::HashMap<_, _> = names.iter().map(|n| (n, absent)).collect();
  format!("({:?}, {})", text, seen.len()).parse().unwrap()
}
)rust";

constexpr char kWalkingMacro[] = R"rust(
extern crate proc_macro;
#[proc_macro] pub fn walk(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
  format!("{}", std::env::vars().count()).parse().unwrap()
}
)rust";

class ObserverRustcTest : public testing::Test {
 protected:
  void SetUp() override {
    ObservedRun run = RunPlainly({{"rustc", "--print", "sysroot"}, dir_.path(), {}});
    if (run.exit_code != 0) GTEST_SKIP() << "no rustc: " << run.output;
    rustc_ = run.output.substr(0, run.output.find('\n')) + "/bin/rustc";
    mkdir((dir_ / "src").c_str(), 0700);
    mkdir((dir_ / "generated").c_str(), 0700);
    mkdir((dir_ / "out").c_str(), 0700);
    Write("data.txt", "text");
    Write("generated/generated.rs", "pub const GENERATED: u32 = 1;");
  }

  void Write(const std::string& name, const std::string& content) { std::ofstream(dir_ / name) << content; }

  ObservedRun Compile(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
    arguments.insert(arguments.begin(), rustc_);
    arguments.insert(arguments.end(), {"--edition=2021", "--out-dir", "out", "-L", "dependency=out"});
    std::string log = dir_ / ("log" + std::to_string(++runs_));
    ObservedRun run = RunObserved({arguments, dir_.path(), environment}, log);
    EXPECT_EQ(run.exit_code, 0) << run.output;
    return run;
  }

  TempDir dir_;
  std::string rustc_;
  int runs_ = 0;
};

TEST_F(ObserverRustcTest, ALibraryReadsItsSourcesAndLooksForOthers) {
  Write("src/lib.rs", kLibrary);
  Write("src/part.rs", "pub const F: u32 = 1;");
  ObservedRun run = Compile({"--crate-type=lib", "--crate-name=x", "--emit=dep-info,metadata,link", "src/lib.rs"},
                            {"OUT_DIR=" + (dir_ / "generated")});
  for (const char* name : {"src/lib.rs", "src/part.rs", "src/../data.txt", "generated/generated.rs"}) {
    EXPECT_TRUE(run.Saw(Kind::kRead, dir_ / name)) << name;
  }
  EXPECT_TRUE(run.Saw(Kind::kAbsent, dir_ / "src/part/mod.rs"));
  EXPECT_TRUE(run.Saw(Kind::kDirectory, dir_ / "out"));
  EXPECT_TRUE(run.Saw(Kind::kWrite, dir_ / "out/libx.rlib"));
  EXPECT_TRUE(run.Saw(Kind::kWrite, dir_ / "out/libx.rmeta"));
  EXPECT_THAT(run.Modules(Kind::kGetenv, "OPTIONAL_VARIABLE"), ElementsAre(StartsWith("librustc_driver-")));
  EXPECT_THAT(run.Paths(Kind::kRandom), IsEmpty());
  EXPECT_THAT(run.Paths(Kind::kNetwork), IsEmpty());
  EXPECT_THAT(run.Paths(Kind::kExec), IsEmpty());
}

// include!(concat!(env!("OUT_DIR"), …)): asked by the compiler, and in the same thread the next thing is the file.
TEST_F(ObserverRustcTest, OutDirIsAtOnceFollowedByTheFileBelowIt) {
  Write("src/lib.rs", kLibrary);
  Write("src/part.rs", "pub const F: u32 = 1;");
  ObservedRun run = Compile({"--crate-type=lib", "--crate-name=x", "--emit=metadata", "src/lib.rs"},
                            {"OUT_DIR=" + (dir_ / "generated")});
  auto asked = std::ranges::find_if(
      run.events, [](const ObserverEvent& event) { return event.kind == Kind::kGetenv && event.path == "OUT_DIR"; });
  ASSERT_NE(asked, run.events.end());
  EXPECT_THAT(asked->module, StartsWith("librustc_driver-"));
  auto next = std::find_if(asked + 1, run.events.end(), [&](const ObserverEvent& event) {
    return event.tid == asked->tid && (event.kind == Kind::kGetenv || event.kind == Kind::kRead);
  });
  ASSERT_NE(next, run.events.end());
  EXPECT_EQ(next->kind, Kind::kRead);
  EXPECT_EQ(next->path, dir_ / "generated/generated.rs");
}

TEST_F(ObserverRustcTest, AProgramIsLinkedByProgramsThatAllCheckIn) {
  Write("src/main.rs", "fn main() {}");
  ObservedRun run = Compile({"--crate-type=bin", "--crate-name=x", "--emit=link", "src/main.rs"});
  std::vector<std::string> executed = run.Paths(Kind::kExec);
  EXPECT_THAT(executed, Contains(EndsWith("/cc")));
  EXPECT_THAT(executed, Contains(MatchesRegex(".*/(rust-lld|ld|ld\\.[a-z]+|.*-ld)")));
  EXPECT_THAT(UntracedPrograms(run.events), IsEmpty());
  EXPECT_THAT(run.Paths(Kind::kRead), Contains(HasSubstr("/Scrt1.o")));
  EXPECT_TRUE(run.Saw(Kind::kWrite, dir_ / "out/x"));
}

TEST_F(ObserverRustcTest, AProcMacroIsSeenToAskAndToRead) {
  Write("src/macros.rs", kMacros);
  Write("src/user.rs", "pub const ASKED: (&str, usize) = macros::ask!();");
  Compile({"--crate-type=proc-macro", "--crate-name=macros", "-Cprefer-dynamic", "src/macros.rs"});
  ObservedRun run = Compile({"--crate-type=lib", "--crate-name=user", "--emit=metadata", "src/user.rs", "--extern",
                             "macros=out/libmacros.so"},
                            {"MACRO_DIRECTORY=" + dir_.path()});
  EXPECT_THAT(run.Modules(Kind::kGetenv, "MACRO_DIRECTORY"), ElementsAre("libmacros.so"));
  EXPECT_THAT(run.Modules(Kind::kRead, dir_ / "data.txt"), ElementsAre("libmacros.so"));
  EXPECT_TRUE(run.Saw(Kind::kAbsent, dir_ / "absent.txt"));
  EXPECT_TRUE(run.Saw(Kind::kDirectory, dir_.path()));
  EXPECT_THAT(run.Paths(Kind::kLoaded), Contains(EndsWith("/libmacros.so")));
  EXPECT_THAT(run.Paths(Kind::kEnviron), Not(Contains(EndsWith("/libmacros.so"))));
  EXPECT_THAT(run.Paths(Kind::kRandom), Each("getrandom(GRND_INSECURE)"));
}

TEST_F(ObserverRustcTest, AProcMacroThatWalksTheEnvironmentIsTold) {
  Write("src/walking.rs", kWalkingMacro);
  Write("src/user.rs", "pub const COUNT: usize = walking::walk!();");
  for (const char* level : {"-Copt-level=0", "-Copt-level=3"}) {
    Compile({"--crate-type=proc-macro", "--crate-name=walking", "-Cprefer-dynamic", level, "src/walking.rs"});
    ObservedRun run = Compile({"--crate-type=lib", "--crate-name=user", "--emit=metadata", "src/user.rs", "--extern",
                               "walking=out/libwalking.so"});
    EXPECT_THAT(run.Paths(Kind::kEnviron), Contains(EndsWith("/libwalking.so"))) << level;
  }
}

}  // namespace
}  // namespace smelt
