#include "src/store/zstd_difference.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "src/store/zstd.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

std::string RandomBytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST(ZstdDifferenceTest, WhatBothHoldIsNotSentAgain) {
  const std::string common = RandomBytes(5 << 20, 1);
  const std::string from = "one" + common + RandomBytes(1 << 20, 2);
  const std::string to = RandomBytes(100'000, 3) + common + "another";
  const std::string difference = ZstdDifference(from, to);
  EXPECT_LT(difference.size(), 110'000u);
  const auto back = ZstdApplyDifference(from, difference, static_cast<std::int64_t>(to.size()));
  ASSERT_OK(back);
  EXPECT_EQ(*back, to);
}

TEST(ZstdDifferenceTest, AnyTwoTextsMakeOne) {
  const std::string texts[] = {"", "a", "some text", RandomBytes(3'000, 4), std::string(1 << 20, 'z')};
  for (const std::string& from : texts) {
    for (const std::string& to : texts) {
      const auto back = ZstdApplyDifference(from, ZstdDifference(from, to), static_cast<std::int64_t>(to.size()));
      ASSERT_OK(back);
      EXPECT_EQ(*back, to);
    }
  }
}

TEST(ZstdDifferenceTest, WhatIsNoDifferenceOfThatSizeIsDataLoss) {
  const std::string from = RandomBytes(100'000, 5), to = from.substr(500) + "end";
  const std::string good = ZstdDifference(from, to);
  const auto size = static_cast<std::int64_t>(to.size());
  const std::string v0_7 = "\x27\xb5\x2f\xfd" + good.substr(4);
  for (const std::string& bad : {std::string(), good.substr(0, 3), good.substr(0, good.size() - 1), good + "x",
                                 good + good, good + ZstdCompress(std::string_view("more"), 1), v0_7, to}) {
    EXPECT_TRUE(absl::IsDataLoss(ZstdApplyDifference(from, bad, size).status()));
  }
  for (const std::int64_t other : {std::int64_t{0}, size - 1, size + 1, std::int64_t{1} << 60}) {
    EXPECT_TRUE(absl::IsDataLoss(ZstdApplyDifference(from, good, other).status()));
  }
}

TEST(ZstdDifferenceTest, WithAnotherTextItDoesNotGiveTheSame) {
  const std::string from = RandomBytes(100'000, 6), to = from.substr(500) + "end";
  const auto size = static_cast<std::int64_t>(to.size());
  for (const std::string& other : {std::string(), from.substr(0, 10), RandomBytes(100'000, 7)}) {
    const auto back = ZstdApplyDifference(other, ZstdDifference(from, to), size);
    EXPECT_TRUE(absl::IsDataLoss(back.status()) || *back != to);
  }
}

}  // namespace
}  // namespace smelt
