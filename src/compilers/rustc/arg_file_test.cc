#include "src/compilers/rustc/arg_file.h"

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace smelt::rustc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::variant<ExpandedArguments, Refusal> Expanded(const std::vector<std::string>& arguments,
                                                  const std::map<std::string, std::string>& files) {
  return ExpandArgFiles(arguments, [&](const std::string& path) {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(ArgFileTest, LinesAreAsRustSplitsThem) {
  EXPECT_THAT(LinesOf(""), IsEmpty());
  EXPECT_THAT(LinesOf("a\nb\n"), ElementsAre("a", "b"));
  EXPECT_THAT(LinesOf("a\r\nb\r\n"), ElementsAre("a", "b"));
  EXPECT_THAT(LinesOf("a\r\r\nb\r"), ElementsAre("a\r", "b\r"));
  EXPECT_THAT(LinesOf("a\n\n  b\t"), ElementsAre("a", "", "  b\t"));
}

TEST(ArgFileTest, ExpandsInPlaceAndOnce) {
  const auto expanded = Expanded({"x", "@f", "y"}, {{"f", "--cfg\n@g\n"}, {"g", "never"}});
  ASSERT_TRUE(std::holds_alternative<ExpandedArguments>(expanded));
  EXPECT_THAT(std::get<ExpandedArguments>(expanded).arguments, ElementsAre("x", "--cfg", "@g", "y"));
  EXPECT_TRUE(std::get<ExpandedArguments>(expanded).had_arg_file);
}

TEST(ArgFileTest, UnreadableOrNotTextIsRefused) {
  EXPECT_EQ(std::get<Refusal>(Expanded({"@nowhere"}, {})), Refusal::kUnreadableArgFile);
  EXPECT_EQ(std::get<Refusal>(Expanded({"@f"}, {{"f", "a\xff"}})), Refusal::kUnreadableArgFile);
}

TEST(ArgFileTest, Utf8) {
  for (const std::string text : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa6\x80"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  for (const std::string text : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                                 "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(text)) << testing::PrintToString(text);
  }
}

}  // namespace
}  // namespace smelt::rustc
