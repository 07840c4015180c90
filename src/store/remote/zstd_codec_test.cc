#include "src/store/remote/zstd_codec.h"

#include <random>

#include "gmock/gmock.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

std::string Text(std::size_t size) {
  std::string text;
  while (text.size() < size) text += std::to_string(text.size()) + " lines of source\n";
  text.resize(size);
  return text;
}

std::string Noise(std::size_t size) {
  std::mt19937 random(7);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

TEST(Zstd, RoundTripsOfAllSizes) {
  for (const std::size_t size : {0u, 1u, 1000u, 131071u, 131072u, 131073u, 3'000'000u}) {
    for (const std::string& bytes : {Text(size), Noise(size)}) {
      auto back = UnpackBlob(PackBlob(bytes), static_cast<std::int64_t>(size));
      ASSERT_OK(back);
      EXPECT_TRUE(*back == bytes) << size;
    }
  }
}

TEST(Zstd, StreamsInPieces) {
  const std::string text = Text(1'000'003);
  ZstdEncoder encoder(kPackLevel);
  std::string compressed;
  for (std::size_t at = 0; at < text.size(); at += 70'000) {
    auto piece = encoder.Add(std::string_view(text).substr(at, 70'000), at + 70'000 >= text.size());
    ASSERT_OK(piece);
    compressed += *piece;
  }
  EXPECT_LT(compressed.size(), text.size() / 3);
  BlobUnpacker decoder(static_cast<std::int64_t>(text.size()));
  std::string back;
  for (std::size_t at = 0; at < compressed.size(); at += 999) {
    ASSERT_OK(decoder.Add(std::string_view(compressed).substr(at, 999), [&](std::string_view piece) {
      back += piece;
      return absl::OkStatus();
    }));
  }
  EXPECT_OK(decoder.End());
  EXPECT_TRUE(back == text);
}

TEST(Zstd, WhatIsBrokenIsDataLoss) {
  const std::string good = PackBlob(Text(10'000));
  const std::pair<std::string, std::int64_t> kCases[] = {
      {good, 9'999},                              // holds more than it should
      {good, 10'001},                             // holds less
      {good.substr(0, good.size() - 1), 10'000},  // cut
      {"not zstd at all", 10'000},                //
      {"", 1},                                    // nothing
      {good + "x", 10'000},                       // something behind it
      {PackBlob(std::string(50 << 20, 'a')), 10}  // a bomb
  };
  for (const auto& [bytes, size] : kCases) {
    EXPECT_THAT(UnpackBlob(bytes, size), StatusIs(absl::StatusCode::kDataLoss)) << size;
  }
}

TEST(Zstd, NoiseIsNotWorthIt) {
  EXPECT_TRUE(IsCompressible(Text(100'000)));
  EXPECT_FALSE(IsCompressible(Noise(100'000)));
  std::string digits;
  for (const char c : Noise(100'000)) digits += "0123456789abcdef"[c & 15];
  EXPECT_TRUE(IsCompressible(digits));
  EXPECT_FALSE(IsCompressible(PackBlob(digits))) << "compressed already";
}

}  // namespace
}  // namespace smelt
