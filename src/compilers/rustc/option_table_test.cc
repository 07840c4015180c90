#include "src/compilers/rustc/option_table.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/compilers/rustc/arg_file.h"
#include "src/compilers/rustc/rustc_on_path.h"

namespace smelt::rustc {
namespace {

TEST(OptionTableTest, NamesAreUniqueAndRowsHaveReasons) {
  for (const auto rows : {Options(), CodegenOptions(), UnstableOptions()}) {
    std::set<std::string_view> names;
    for (const OptionRow& row : rows) {
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
      EXPECT_FALSE(row.reason.empty()) << row.name;
    }
  }
}

TEST(OptionTableTest, AliasesLeadToOneRow) {
  EXPECT_EQ(FindOption("--codegen"), FindOption("-C"));
  EXPECT_EQ(FindOption("--deny"), FindOption("-D"));
  EXPECT_EQ(FindCodegenOption("opt_level"), FindCodegenOption("opt-level"));
  EXPECT_EQ(FindOption("--cod"), nullptr) << "rustc takes no abbreviations";
  EXPECT_EQ(FindCodegenOption(""), nullptr);
  EXPECT_EQ(FindUnstableOption("threads"), nullptr) << "the parallel front end is not deterministic";
}

TEST(OptionTableTest, WhatPointsIntoThisMachineIsNeverAValue) {
  for (const std::string_view name : {"-L", "--out-dir", "-o", "--extern", "--emit", "--remap-path-prefix"}) {
    EXPECT_NE(FindOption(name)->use, KeyUse::kValue) << name;
  }
  EXPECT_EQ(FindCodegenOption("incremental")->use, KeyUse::kExcluded);
}

// The names in the lines "    -C   opt-level=val -- text" of `rustc -C help`.
TEST(OptionTableTest, EveryCodegenOptionOfTheRealCompilerIsKnown) {
  if (!HasRustc()) GTEST_SKIP() << "no rustc on PATH";
  int names = 0;
  for (const std::string& line : LinesOf(RunRustc({"-C", "help"}, "/").output)) {
    const std::size_t end = line.find("=val -- ");
    if (!line.starts_with("    -C ") || end == std::string::npos) continue;
    const std::string name = line.substr(line.rfind(' ', end - 1) + 1, end - line.rfind(' ', end - 1) - 1);
    EXPECT_NE(FindCodegenOption(name), nullptr) << name;
    ++names;
  }
  EXPECT_GE(names, 50);
}

// The names in the lines "    -A, --allow LINT" of `rustc --help -v`.
TEST(OptionTableTest, EveryFlagOfTheRealCompilerIsKnown) {
  if (!HasRustc()) GTEST_SKIP() << "no rustc on PATH";
  int names = 0;
  for (const std::string& line : LinesOf(RunRustc({"--help", "-v"}, "/").output)) {
    const std::size_t dash = line.find_first_not_of(' ');
    if (dash != 4 && dash != 8) continue;
    if (line[dash] != '-') continue;
    const std::string name = line.substr(dash, line.find_first_of(", ", dash) - dash);
    EXPECT_NE(FindOption(name), nullptr) << name;
    ++names;
  }
  EXPECT_GE(names, 30);
}

}  // namespace
}  // namespace smelt::rustc
