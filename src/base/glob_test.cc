#include "src/base/glob.h"

#include <gtest/gtest.h>

namespace smelt {
namespace {

TEST(Glob, Matches) {
  const struct {
    const char* pattern;
    const char* text;
    bool matches;
  } kCases[] = {
      {"", "", true},           {"", "a", false},        {"main", "main", true},     {"main", "mai", false},
      {"main", "main/", false}, {"*", "", true},         {"*", "a/b", true},         {"pr/*", "pr/7", true},
      {"pr/*", "pr/", true},    {"pr/*", "pr", false},   {"pr/*", "pr/7/x", true},   {"pr/*", "xpr/7", false},
      {"*/x", "a/x", true},     {"a*b*c", "abc", true},  {"a*b*c", "aXbYbZc", true}, {"a*b*c", "acb", false},
      {"ab*ba", "aba", false},  {"ab*ba", "abba", true}, {"**", "", true},           {"*a*a*", "a", false},
      {"a?c", "abc", false},
  };
  for (const auto& c : kCases) EXPECT_EQ(Glob(c.pattern).Matches(c.text), c.matches) << c.pattern << " " << c.text;
}

TEST(Glob, WhatIsPutInStandsForItself) {
  const auto value = [](std::string_view name) -> std::optional<std::string> {
    if (name == "star") return "*";
    if (name == "brace") return "{star}";
    if (name == "n") return "7";
    if (name == "empty") return "";
    return std::nullopt;
  };
  EXPECT_TRUE(Glob("pr/{n}").Expand(value)->Matches("pr/7"));
  EXPECT_FALSE(Glob("pr/{n}").Expand(value)->Matches("pr/8"));
  EXPECT_TRUE(Glob("pr/{star}").Expand(value)->Matches("pr/*"));
  EXPECT_FALSE(Glob("pr/{star}").Expand(value)->Matches("pr/main"));
  EXPECT_TRUE(Glob("{brace}/*").Expand(value)->Matches("{star}/x"));
  EXPECT_TRUE(Glob("{n}-{n}*").Expand(value)->Matches("7-7x"));
  EXPECT_TRUE(Glob("{open").Expand(value)->Matches("{open"));
  EXPECT_FALSE(Glob("pr/{unknown}").Expand(value).has_value());
  EXPECT_FALSE(Glob("pr/{empty}").Expand(value).has_value());
}

}  // namespace
}  // namespace smelt
