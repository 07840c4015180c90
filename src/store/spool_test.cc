#include "src/store/spool.h"

#include <string>

#include "gtest/gtest.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

TEST(Spool, KeepsLittleInMemory) {
  TempDir dir;
  Spool spool(dir.path(), 10);
  ASSERT_OK(spool.Append("0123"));
  ASSERT_OK(spool.Append("456789"));
  ASSERT_OK_AND_ASSIGN(const Bytes bytes, spool.Finish());
  EXPECT_NE(bytes.contents(), nullptr);
  EXPECT_EQ(*bytes.ReadAll(), "0123456789");
}

TEST(Spool, KeepsMuchInAFile) {
  TempDir dir;
  Spool spool(dir.path(), 10);
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    expected += std::to_string(i);
    ASSERT_OK(spool.Append(std::to_string(i)));
  }
  EXPECT_EQ(spool.size(), static_cast<std::int64_t>(expected.size()));
  ASSERT_OK_AND_ASSIGN(const Bytes bytes, spool.Finish());
  EXPECT_GE(bytes.fd(), 0);
  EXPECT_EQ(*bytes.ReadAll(), expected);
}

TEST(Spool, IsEmptyAfterwards) {
  TempDir dir;
  Spool spool(dir.path(), 2);
  ASSERT_OK(spool.Append("abc"));
  ASSERT_OK(spool.Finish());
  ASSERT_OK(spool.Append("x"));
  ASSERT_OK_AND_ASSIGN(const Bytes bytes, spool.Finish());
  EXPECT_EQ(*bytes.ReadAll(), "x");
}

TEST(Spool, DigestsWhatGoesToAFile) {
  TempDir dir;
  Spool spool(dir.path(), 4, Spool::Digesting::kYes);
  for (const char* text : {"abc", "abcdefgh"}) {
    ASSERT_OK(spool.Append(text));
    ASSERT_OK(spool.Append("xyz"));
    ASSERT_OK_AND_ASSIGN(const Bytes bytes, spool.Finish());
    EXPECT_EQ(bytes.known_digest(), DigestOf(std::string(text) + "xyz"));
  }
}

TEST(Spool, InsertsWhereItIsTold) {
  TempDir dir;
  const std::string appended = "0123456789";
  for (const std::int64_t memory_bytes : {0, 12, 100}) {
    for (std::size_t offset = 0; offset <= appended.size(); ++offset) {
      for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, appended.size()}) {
        Spool spool(dir.path(), memory_bytes, Spool::Digesting::kYes);
        spool.Insert({static_cast<std::int64_t>(offset), Bytes("abc")});
        for (std::size_t at = 0; at < appended.size(); at += piece) ASSERT_OK(spool.Append(appended.substr(at, piece)));
        EXPECT_EQ(spool.size(), 10);
        ASSERT_OK_AND_ASSIGN(const Bytes bytes, spool.Finish());
        EXPECT_EQ(bytes.size(), 13);
        EXPECT_EQ(*bytes.ReadAll(), std::string(appended).insert(offset, "abc")) << offset << " " << piece;
        EXPECT_EQ(*DigestOf(bytes), DigestOf(std::string(appended).insert(offset, "abc")));
      }
    }
  }
}

TEST(Spool, InsertsIntoNothingButNotBehindTheEnd) {
  TempDir dir;
  Spool spool(dir.path());
  spool.Insert({0, Bytes("abc")});
  ASSERT_OK_AND_ASSIGN(const Bytes bytes, spool.Finish());
  EXPECT_EQ(*bytes.ReadAll(), "abc");
  Spool short_one(dir.path());
  short_one.Insert({4, Bytes("abc")});
  ASSERT_OK(short_one.Append("012"));
  EXPECT_THAT(short_one.Finish(), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST(Spool, NamesTheDirectoryThatIsNotThere) {
  Spool spool("/nonexistent/spool", 1);
  EXPECT_THAT(spool.Append("abc"), StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("/nonexistent/spool")));
}

}  // namespace
}  // namespace smelt
