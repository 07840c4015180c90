#include "src/store/zstd.h"

#include <random>
#include <string>

#include "gtest/gtest.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

std::string Text(std::size_t size, unsigned alphabet) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random() % alphabet);
  return text;
}

TEST(Zstd, WhatWasCompressedComesBack) {
  TempDir dir;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{300000}, std::size_t{9 << 20}}) {
    for (const unsigned alphabet : {1u, 16u, 256u}) {
      const std::string text = Text(size, alphabet);
      const auto bytes_max = static_cast<std::int64_t>(size);
      const std::string compressed = ZstdCompress(text, 3);
      EXPECT_TRUE(*ZstdDecompress(compressed, bytes_max) == text) << size;
      ASSERT_OK_AND_ASSIGN(const Bytes streamed, ZstdCompress(Bytes(text), 3, dir.path()));
      ASSERT_OK_AND_ASSIGN(const std::string back, ZstdDecompress(*streamed.ReadAll(), bytes_max));
      EXPECT_TRUE(back == text) << size;
    }
  }
}

TEST(Zstd, MakesNoMoreThanItIsAllowedTo) {
  const std::string bomb = ZstdCompress(std::string(64 << 20, '\0'), 3);
  EXPECT_LT(bomb.size(), 100000u);
  EXPECT_THAT(ZstdDecompress(bomb, 1000), StatusIs(absl::StatusCode::kDataLoss, testing::HasSubstr("1000 bytes")));
}

TEST(Zstd, FramesOfBeforeZstd1AreNone) {
  const std::string hello("\x27\xb5\x2f\xfd\x20\x05\x40\x00\x05hello\xc0\x00\x00", 17);  // as 0.7 wrote it
  const std::string today = ZstdCompress("today", 3), skipped("\x5f\x2a\x4d\x18\x02\x00\x00\x00zz", 10);
  EXPECT_THAT(ZstdDecompress(hello, 100), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ZstdDecompress(today + hello, 100), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ZstdDecompress(skipped + today + skipped, 100), IsOkAndHolds("today"));
}

TEST(Zstd, WhatIsCutOrChangedIsDataLoss) {
  const std::string compressed = ZstdCompress(Text(100000, 16), 3);
  EXPECT_THAT(ZstdDecompress("", 100000), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(ZstdDecompress("not zstd", 100000), StatusIs(absl::StatusCode::kDataLoss));
  for (const std::size_t size : {std::size_t{3}, compressed.size() / 2, compressed.size() - 1}) {
    EXPECT_THAT(ZstdDecompress(compressed.substr(0, size), 100000), StatusIs(absl::StatusCode::kDataLoss)) << size;
  }
}

}  // namespace
}  // namespace smelt
