#include "src/store/bytes.h"

#include <unistd.h>

#include <string>

#include "gtest/gtest.h"
#include "src/base/file_system.h"
#include "src/digest/hasher.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

class BytesTest : public testing::Test {
 protected:
  Bytes File(const std::string& contents) {
    EXPECT_OK(FileSystem::System().Remove(dir_ / "f"));
    EXPECT_OK(FileSystem::System().WriteNewFile(dir_ / "f", contents, 0644));
    return Bytes(*FileSystem::System().OpenForRead(dir_ / "f"), static_cast<std::int64_t>(contents.size()));
  }

  TempDir dir_;
};

TEST_F(BytesTest, AreEmptyAtFirst) {
  EXPECT_EQ(Bytes().size(), 0);
  EXPECT_EQ(*Bytes().ReadAll(), "");
  EXPECT_EQ(Bytes().fd(), -1);
}

TEST_F(BytesTest, ReadMemoryAndFilesAlike) {
  for (const Bytes& bytes : {Bytes("0123456789"), File("0123456789")}) {
    EXPECT_EQ(bytes.size(), 10);
    EXPECT_EQ(*bytes.ReadAll(), "0123456789");
    EXPECT_EQ(*bytes.Read(3, 4), "3456");
    EXPECT_EQ(*bytes.Read(8, 100), "89");
    EXPECT_EQ(*bytes.Read(11, 1), "");
    EXPECT_THAT(bytes.Read(-1, 1), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(*DigestOf(bytes), DigestOf("0123456789"));
  }
}

TEST_F(BytesTest, SayWhereTheyAre) {
  EXPECT_EQ(*Bytes("x").contents(), "x");
  EXPECT_EQ(File("x").contents(), nullptr);
  EXPECT_GE(File("").fd(), 0);
}

TEST_F(BytesTest, CopiesShareTheFileBeyondTheOriginal) {
  Bytes copy;
  {
    const Bytes original = File("shared");
    copy = original;
    EXPECT_EQ(copy.fd(), original.fd());
  }
  EXPECT_EQ(*copy.ReadAll(), "shared");
}

TEST_F(BytesTest, AFileThatBecameShorterIsDataLoss) {
  const Bytes bytes = File("0123456789");
  ASSERT_EQ(::truncate((dir_ / "f").c_str(), 4), 0);
  EXPECT_EQ(*bytes.Read(0, 4), "0123");
  EXPECT_THAT(bytes.ReadAll(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(Bytes, AKnownDigestIsNotTakenAgain) {
  TempDir directory;
  const std::string path = directory / "file";
  ASSERT_OK(FileSystem::System().WriteNewFile(path, "contents", 0600));
  const Bytes plain(*FileSystem::System().OpenForRead(path), 8);
  EXPECT_FALSE(plain.known_digest().has_value());
  EXPECT_THAT(DigestOf(plain), IsOkAndHolds(DigestOf("contents")));
  const Bytes known(*FileSystem::System().OpenForRead(path), DigestOf("said to be"));
  EXPECT_EQ(known.size(), 10);
  EXPECT_THAT(DigestOf(known), IsOkAndHolds(DigestOf("said to be")));
}

}  // namespace
}  // namespace smelt
