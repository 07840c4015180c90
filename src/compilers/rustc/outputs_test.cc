#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/compilers/rustc/arg_file.h"
#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/rustc_on_path.h"
#include "src/testing/temp_dir.h"

namespace smelt::rustc {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::UnorderedElementsAreArray;

Invocation ParsedOrEmpty(const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {"/tc/bin/rustc"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  auto parsed = Parse(
      command, "/w", [](std::string_view) { return nullptr; }, [](const std::string&) { return std::nullopt; });
  EXPECT_TRUE(std::holds_alternative<Invocation>(parsed)) << testing::PrintToString(arguments);
  return std::holds_alternative<Invocation>(parsed) ? std::get<Invocation>(std::move(parsed)) : Invocation{};
}

std::vector<std::string> Paths(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {"--crate-name", "my_c", "s.rs", "--out-dir=o", "-Cextra-filename=-x"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  std::vector<std::string> paths;
  for (const Output& output : OutputsOf(ParsedOrEmpty(arguments))) {
    paths.push_back(output.path + (output.executable ? "*" : "") + (output.optional ? "?" : ""));
  }
  return paths;
}

TEST(OutputsTest, LibrariesAndPrograms) {
  EXPECT_THAT(Paths({"--crate-type=lib", "--emit=link,metadata,dep-info"}),
              ElementsAre("o/my_c-x.d", "o/libmy_c-x.rmeta", "o/libmy_c-x.rlib"));
  EXPECT_THAT(Paths({"--crate-type=bin", "--emit=dep-info,metadata"}), ElementsAre("o/my_c-x.d", "o/libmy_c-x.rmeta"));
  EXPECT_THAT(Paths({"--crate-type=cdylib,rlib,staticlib"}),
              ElementsAre("o/libmy_c-x.so*", "o/libmy_c-x.rlib", "o/libmy_c-x.a"));
  EXPECT_THAT(Paths({"--crate-type=lib", "--test"}), ElementsAre("o/my_c-x*"));
}

TEST(OutputsTest, OneFileForSeveralMentions) {
  EXPECT_THAT(Paths({"--crate-type=lib,rlib"}), ElementsAre("o/libmy_c-x.rlib"));
  EXPECT_THAT(Paths({"--crate-type=dylib,cdylib"}), ElementsAre("o/libmy_c-x.so*"));
}

TEST(OutputsTest, ExplicitPathsAndOddDirectories) {
  EXPECT_THAT(Paths({"--crate-type=lib", "--emit=link=/a/b.rlib,dep-info"}), ElementsAre("o/my_c-x.d", "/a/b.rlib"));
  const Invocation slash = ParsedOrEmpty({"--crate-name=a", "s.rs", "--out-dir", "./o/"});
  EXPECT_EQ(OutputsOf(slash)[0].path, "./o/a");
}

TEST(OutputsTest, PackedDebuginfoComesBesideWhatIsLinked) {
  EXPECT_THAT(Paths({"--crate-type=rlib,cdylib", "-g", "-Csplit-debuginfo=packed"}),
              ElementsAre("o/libmy_c-x.rlib", "o/libmy_c-x.so*", "o/libmy_c-x.so.dwp?"));
}

// What `rustc --print file-names` says for programs, cdylibs and staticlibs of other targets.
TEST(OutputsTest, NamesOfOtherTargets) {
  const std::map<std::string, std::vector<std::string>> names = {
      {"wasm32-unknown-unknown", {"my_c-x.wasm", "my_c-x.wasm", "libmy_c-x.a"}},
      {"wasm32-wasip1", {"my_c-x.wasm", "my_c-x.wasm", "libmy_c-x.a"}},
      {"x86_64-pc-windows-gnu", {"my_c-x.exe", "my_c-x.dll", "libmy_c-x.a"}},
      {"x86_64-pc-windows-msvc", {"my_c-x.exe", "my_c-x.dll", "my_c-x.lib"}},
      {"aarch64-apple-darwin", {"my_c-x", "libmy_c-x.dylib", "libmy_c-x.a"}},
      {"aarch64-linux-android", {"my_c-x", "libmy_c-x.so", "libmy_c-x.a"}},
      {"x86_64-unknown-uefi", {"my_c-x.efi"}},
  };
  const std::vector<std::string> types = {"bin", "cdylib", "staticlib"};
  const TempDir dir;
  std::ofstream(dir / "s.rs") << "fn main() {}\n";
  const bool has_rustc = HasRustc();
  for (const auto& [target, expected] : names) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      Invocation invocation;
      invocation.crate_name = "my_c";
      invocation.extra_filename = "-x";
      invocation.target = target;
      invocation.crate_types = {types[i]};
      invocation.emits = {{"link", std::nullopt}};
      EXPECT_EQ(OutputsOf(invocation)[0].path, expected[i]) << target;
      if (!has_rustc) continue;
      const std::string file = RunRustc({"--print=file-names", "--target", target, "--crate-type", types[i],
                                         "--crate-name=my_c", "-Cextra-filename=-x", "s.rs"},
                                        dir.path())
                                   .output;
      EXPECT_EQ(file, expected[i] + "\n") << target;
    }
  }
}

// Compiles for real and compares.
class RealOutputsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!HasRustc()) GTEST_SKIP() << "no rustc on PATH";
    Write("s.rs", "pub fn f() -> u32 { 3 }\nfn main() { println!(\"{}\", f()); }\n");
    Write("pm.rs",
          "extern crate proc_macro;\n#[proc_macro] pub fn m(x: proc_macro::TokenStream) -> proc_macro::TokenStream { x "
          "}\n");
  }

  void Write(const std::string& name, std::string_view text) { std::ofstream(dir_ / name) << text; }

  void Compare(const std::vector<std::string>& more) {
    std::filesystem::remove_all(dir_ / "o");
    std::filesystem::create_directory(dir_ / "o");
    std::vector<std::string> arguments = {
        "--crate-name", "my_c", "--out-dir=o", "-Cextra-filename=-x", "--error-format=json", "--json=artifacts"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const RustcRun run = RunRustc(arguments, dir_.path());
    ASSERT_EQ(run.status, 0) << run.output;

    std::vector<std::string> announced;
    std::vector<std::string> files;
    for (const Output& output : OutputsOf(ParsedOrEmpty(arguments))) {
      const std::string path = dir_ / output.path;
      if (output.optional && !std::filesystem::exists(path)) continue;
      files.push_back(output.path);
      if (!output.optional) announced.push_back(output.path);
      const auto mode = std::filesystem::status(path).permissions();
      EXPECT_EQ((mode & std::filesystem::perms::owner_exec) != std::filesystem::perms::none, output.executable)
          << output.path;
    }
    EXPECT_THAT(Written(), UnorderedElementsAreArray(files)) << testing::PrintToString(more);
    EXPECT_THAT(Announced(run.output), ElementsAreArray(announced)) << testing::PrintToString(more);
  }

 private:
  std::vector<std::string> Written() const {
    std::vector<std::string> written;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ / "o")) {
      written.push_back("o/" + entry.path().filename().string());
    }
    return written;
  }

  // Each artifact once, in the order of the messages.
  static std::vector<std::string> Announced(std::string_view output) {
    constexpr std::string_view kKey = "\"artifact\":\"";
    std::vector<std::string> paths;
    for (const std::string& line : LinesOf(output)) {
      const std::size_t at = line.find(kKey);
      if (at == std::string::npos) continue;
      const std::size_t start = at + kKey.size();
      std::string path = line.substr(start, line.find('"', start) - start);
      if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(std::move(path));
    }
    return paths;
  }

  TempDir dir_;
};

TEST_F(RealOutputsTest, EachCrateTypeWithTheEmitsOfCargo) {
  for (const std::string type : {"lib", "rlib", "bin", "dylib", "cdylib", "staticlib"}) {
    for (const std::string emit : {"dep-info,metadata", "dep-info,metadata,link", "dep-info,link"}) {
      Compare({"--crate-type", type, "--emit", emit, "s.rs"});
    }
  }
}

TEST_F(RealOutputsTest, ProcMacros) {
  Compare({"--crate-type=proc-macro", "--emit=dep-info,link", "pm.rs", "-Cprefer-dynamic", "--extern", "proc_macro"});
  Compare({"--crate-type=proc-macro", "--emit=dep-info,metadata", "pm.rs"});
  Compare({"--crate-type=proc-macro", "--emit=dep-info,metadata,link", "pm.rs"});
}

TEST_F(RealOutputsTest, EveryEmitAtOnce) {
  for (const std::string type : {"rlib", "bin", "cdylib"}) {
    Compare({"--crate-type", type, "--emit=asm,dep-info,link,llvm-bc,llvm-ir,metadata,mir,obj", "s.rs"});
  }
}

TEST_F(RealOutputsTest, SeveralCrateTypesInTheOrderGiven) {
  Compare({"--crate-type=staticlib,rlib,cdylib", "--emit=dep-info,link", "s.rs"});
  Compare({"--crate-type", "cdylib", "--crate-type", "rlib", "--crate-type", "lib", "--emit=metadata,link", "s.rs"});
}

TEST_F(RealOutputsTest, TestPrograms) {
  Compare({"--test", "--emit=dep-info,link", "s.rs"});
  Compare({"--test", "--crate-type=lib", "--emit=dep-info,metadata", "s.rs"});
}

TEST_F(RealOutputsTest, ExplicitPaths) {
  Compare({"--crate-type=lib", "--emit=dep-info=o/d.d,metadata=o/m.rmeta,link=o/libl.rlib", "s.rs"});
}

TEST_F(RealOutputsTest, PackedDebuginfo) {
  Compare({"--crate-type=bin", "-g", "-Csplit-debuginfo=packed", "--emit=link", "s.rs"});
  Compare({"--crate-type=cdylib,rlib", "-g", "-Csplit-debuginfo=packed", "--emit=link", "s.rs"});
  Compare({"--crate-type=bin", "-Csplit-debuginfo=packed", "--emit=link", "s.rs"});
}

}  // namespace
}  // namespace smelt::rustc
