#include "src/wrapper/cargo_config.h"

#include <gtest/gtest.h>

namespace smelt::wrapper {
namespace {

std::string With(std::string_view text) {
  ScannedCargoConfig scanned = ScanCargoConfig(text);
  EXPECT_EQ(scanned.error, "") << text;
  return WithRustcWrapper(text, scanned, "/s");
}

// What is found in `text`: "value@line", or "-".
std::string Found(std::string_view text) {
  ScannedCargoConfig scanned = ScanCargoConfig(text);
  if (!scanned.error.empty()) return std::to_string(scanned.error_line) + ": " + scanned.error;
  return scanned.wrapper ? scanned.wrapper->value + "@" + std::to_string(scanned.wrapper->line) : "-";
}

TEST(CargoConfig, TheWrapperIsFoundInEveryWayToWriteIt) {
  EXPECT_EQ(Found("[build]\nrustc-wrapper = \"a\"\n"), "a@2");
  EXPECT_EQ(Found("[build]\njobs = 2\n\n# c\nrustc-wrapper='a' # c"), "a@5");
  EXPECT_EQ(Found("build.rustc-wrapper = \"a\""), "a@1");
  EXPECT_EQ(Found("\"build\" . 'rustc-wrapper' = \"a\""), "a@1");
  EXPECT_EQ(Found("build = { jobs = 1, rustc-wrapper = \"a\" }\n"), "a@1");
  EXPECT_EQ(Found("[ 'build' ]\r\nrustc-wrapper = \"a\"\r\n"), "a@2");
  EXPECT_EQ(Found("\xef\xbb\xbf[build]\nrustc-wrapper = '''a'''"), "a@2");
  EXPECT_EQ(Found("[build]\nrustc-wrapper = \"\\\"\\u00e9\\\\\"\n"), "\"\xc3\xa9\\@2");
  EXPECT_EQ(Found("[build]\nrustc-wrapper = false\n"), "false@2");
}

TEST(CargoConfig, OthersAreNotTakenForIt) {
  EXPECT_EQ(Found(""), "-");
  EXPECT_EQ(Found("rustc-wrapper = \"a\"\n[build]\n"), "-");
  EXPECT_EQ(Found("[build.x]\nrustc-wrapper = \"a\"\n"), "-");
  EXPECT_EQ(Found("[target.x]\nbuild.rustc-wrapper = \"a\"\n"), "-");
  EXPECT_EQ(Found("[[build]]\nrustc-wrapper = \"a\"\n"), "-");
  EXPECT_EQ(Found("[env]\nX = '''\n[build]\nrustc-wrapper = \"a\"\n'''\n"), "-");
  EXPECT_EQ(Found("# [build]\n# rustc-wrapper = \"a\"\n"), "-");
  EXPECT_EQ(Found("[env]\nX = [ '[build]', # c\n \"rustc-wrapper\",\n { build = { rustc-wrapper = 'a' } } ]\n"), "-");
}

TEST(CargoConfig, WhatIsNoTomlIsNamedWithItsLine) {
  EXPECT_EQ(Found("[build\n"), "1: expected ']'");
  EXPECT_EQ(Found("\n\n= 1\n"), "3: expected a key");
  EXPECT_EQ(Found("a\n"), "1: expected '='");
  EXPECT_EQ(Found("a = \n"), "1: expected a value");
  EXPECT_EQ(Found("a = 1 2\n"), "1: expected the end of the line");
  EXPECT_EQ(Found("a = \"x\n"), "1: a string is not closed");
  EXPECT_EQ(Found("a = '''x\n"), "2: a string is not closed");
  EXPECT_EQ(Found("a = \"\\q\"\n"), "1: unknown escape in a string");
  EXPECT_EQ(Found("a = \"\\"), "1: unknown escape in a string");
  EXPECT_EQ(Found("a = \"\\u00"), "1: not a code point");
  EXPECT_EQ(Found("a = [1\n2]\n"), "2: expected ',' or ']'");
  EXPECT_EQ(Found("a = {b = 1"), "1: expected ',' or '}'");
  EXPECT_EQ(Found("a = " + std::string(10000, '[')), "1: nested too deeply");
  EXPECT_EQ(Found(std::string("\0", 1)), "1: expected a key");
}

TEST(CargoConfig, ItIsPutWhereItBelongsAndTheRestStays) {
  EXPECT_EQ(With(""), "[build]\nrustc-wrapper = \"/s\"\n");
  EXPECT_EQ(With("[net]\noffline = true"), "[net]\noffline = true\n\n[build]\nrustc-wrapper = \"/s\"\n");
  EXPECT_EQ(With("[build] # c\njobs = 2\n[net]\n"), "[build] # c\nrustc-wrapper = \"/s\"\njobs = 2\n[net]\n");
  EXPECT_EQ(With("[build]"), "[build]\nrustc-wrapper = \"/s\"\n");
  EXPECT_EQ(With("a.b = 1\nbuild.jobs = 2\n"), "a.b = 1\nbuild.rustc-wrapper = \"/s\"\nbuild.jobs = 2\n");
  EXPECT_EQ(With("build = { jobs = 2 }\n"), "build = { rustc-wrapper = \"/s\", jobs = 2 }\n");
  EXPECT_EQ(With("build = {}\n"), "build = { rustc-wrapper = \"/s\" }\n");
  EXPECT_EQ(With("[net]\r\nretry = 1\r\n"), "[net]\r\nretry = 1\r\n\r\n[build]\r\nrustc-wrapper = \"/s\"\r\n");
  EXPECT_EQ(With("[build.x]\ny = 1\n"), "[build.x]\ny = 1\n\n[build]\nrustc-wrapper = \"/s\"\n");
}

TEST(CargoConfig, AnotherWrapperIsReplacedInItsPlace) {
  EXPECT_EQ(With("[build]\nrustc-wrapper = 'sccache' # c\njobs = 1"), "[build]\nrustc-wrapper = \"/s\" # c\njobs = 1");
  EXPECT_EQ(With("build = { rustc-wrapper = \"a\", jobs = 1 }"), "build = { rustc-wrapper = \"/s\", jobs = 1 }");
}

TEST(CargoConfig, WhatIsPutInIsFoundAgainWhateverThePath) {
  const std::string path = "/a \"b\" \\c\t\x01\x7f/\xc3\xa9";
  for (std::string_view text : {"", "[build]\n", "build.jobs = 1\n", "build = {}", "[build]\nrustc-wrapper = 'x'"}) {
    std::string changed = WithRustcWrapper(text, ScanCargoConfig(text), path);
    ScannedCargoConfig again = ScanCargoConfig(changed);
    ASSERT_TRUE(again.error.empty() && again.wrapper.has_value()) << changed;
    EXPECT_EQ(again.wrapper->value, path);
  }
}

}  // namespace
}  // namespace smelt::wrapper
