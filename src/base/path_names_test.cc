#include "src/base/path_names.h"

#include "gtest/gtest.h"

namespace smelt {
namespace {

TEST(PathNamesTest, OfEveryForm) {
  const struct {
    std::string_view path, directory, base;
  } kCases[] = {
      {"/usr/bin/cc", "/usr/bin", "cc"},
      {"/cc", "", "cc"},
      {"cc", "cc", "cc"},
      {"a/", "a", ""},
      {"a/b", "a", "b"},
      {"/", "", ""},
      {"", "", ""},
      {"a//b", "a/", "b"},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(DirectoryName(each.path), each.directory) << each.path;
    EXPECT_EQ(BaseName(each.path), each.base) << each.path;
  }
}

}  // namespace
}  // namespace smelt
