#include "src/compilers/rustc/rlib.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "src/compilers/rustc/rustc_on_path.h"
#include "src/testing/archive.h"
#include "src/testing/temp_dir.h"

namespace smelt::rustc {
namespace {

std::optional<Extent> Find(const std::string& file) {
  const auto read = [&](std::int64_t offset, std::int64_t length) -> absl::StatusOr<std::string> {
    if (offset > static_cast<std::int64_t>(file.size())) return std::string();
    return file.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
  };
  const auto found = MetadataMember(static_cast<std::int64_t>(file.size()), read);
  EXPECT_TRUE(found.ok());
  return found.value_or(std::nullopt);
}

TEST(RlibTest, FindsTheMemberBehindOthers) {
  const std::string before = "!<arch>\n" + ArchiveMember("/", "odd") + ArchiveMember("//", "names");
  const auto found = Find(before + ArchiveMember("lib.rmeta/", "metadata") + ArchiveMember("a.o/", "object"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->offset, static_cast<std::int64_t>(before.size()) + 60);
  EXPECT_EQ(found->length, 8);
}

TEST(RlibTest, WhatHasNoneOrIsNoArchiveHasNone) {
  const std::string good = "!<arch>\n" + ArchiveMember("lib.rmeta/", "metadata");
  ASSERT_TRUE(Find(good).has_value());
  const std::string cases[] = {
      "",
      "!<arch>",
      "!<arch>\n",
      "!<thin>\n" + ArchiveMember("lib.rmeta/", "metadata"),
      "!<arch>\n" + ArchiveMember("a.o/", "object"),
      "!<arch>\n" + ArchiveMember("lib.rmeta.o/", "metadata"),
      "!<arch>\n" + ArchiveMember("lib.rmeta/", "metadata", "9"),
      "!<arch>\n" + ArchiveMember("lib.rmeta/", "metadata", "-8"),
      "!<arch>\n" + ArchiveMember("lib.rmeta/", "metadata", "8x"),
      "!<arch>\n" + ArchiveMember("lib.rmeta/", "metadata", ""),
      "!<arch>\n" + ArchiveMember("/", "x", "9999999999") + ArchiveMember("lib.rmeta/", "metadata"),
      good.substr(0, good.size() - 1),
      good.substr(0, 67),
  };
  for (const std::string& file : cases) EXPECT_FALSE(Find(file).has_value()) << file;
}

std::string Read(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(RlibTest, RustcWritesItsMetadataThere) {
  if (!HasRustc()) GTEST_SKIP() << "no rustc";
  const TempDir directory;
  std::ofstream(directory.path() + "/x.rs") << "pub fn f<T: Clone>(t: &T) -> T { t.clone() }\n";
  const RustcRun run =
      RunRustc({"--crate-type=lib", "--crate-name=x", "--emit=metadata,link", "x.rs"}, directory.path());
  ASSERT_EQ(run.status, 0) << run.output;
  const std::string rlib = Read(directory.path() + "/libx.rlib"), rmeta = Read(directory.path() + "/libx.rmeta");
  const auto found = Find(rlib);
  ASSERT_TRUE(found.has_value());
  const std::size_t at = rlib.find(rmeta);
  ASSERT_NE(at, rlib.npos);
  EXPECT_GE(static_cast<std::int64_t>(at), found->offset);
  EXPECT_LE(static_cast<std::int64_t>(at + rmeta.size()), found->offset + found->length);
}

}  // namespace
}  // namespace smelt::rustc
