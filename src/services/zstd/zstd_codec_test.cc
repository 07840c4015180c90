#include "src/services/zstd/zstd_codec.h"

#include <fcntl.h>
#include <unistd.h>

#include <random>
#include <string>

#include "src/services/staged_upload.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

std::string Noise(std::size_t size) {
  std::mt19937 random(7);
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

std::string Text(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "line " + std::to_string(text.size() % 97) + "\n";
  text.resize(size);
  return text;
}

std::string Skippable(std::size_t size) {
  std::string frame = {'\x50', '\x2a', '\x4d', '\x18'};
  for (int shift = 0; shift < 32; shift += 8) frame += static_cast<char>(size >> shift);
  return frame + std::string(size, 's');
}

// A frame header that asks for a window of 2^`log` bytes, and nothing after it.
std::string HeaderWithWindow(int log) {
  return std::string("\x28\xb5\x2f\xfd", 4) + '\0' + static_cast<char>((log - 10) << 3);
}

// One block of `size` times the same byte, as small as can be.
std::string RunLength(std::size_t blocks) {
  std::string frame = HeaderWithWindow(17);
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::uint32_t header = (i + 1 == blocks ? 1u : 0u) | 1u << 1 | (128u << 10) << 3;
    for (int shift = 0; shift < 24; shift += 8) frame += static_cast<char>(header >> shift);
    frame += 'A';
  }
  return frame;
}

// Both decoders, which must agree.
absl::StatusOr<std::string> Decoded(const std::string& frames, std::int64_t size) {
  std::string streamed;
  const absl::Status status = DecompressZstd(Bytes(frames), size, [&](std::string_view piece) {
    streamed.append(piece);
    return absl::OkStatus();
  });
  absl::StatusOr<std::string> whole = DecompressZstd(frames, size);
  EXPECT_EQ(whole.status().code(), status.code());
  if (whole.ok()) {
    EXPECT_EQ(*whole, streamed);
  }
  return whole;
}

TEST(ZstdCodecTest, WhatIsCompressedComesBack) {
  for (const std::size_t size : {0, 1, 2, 100, 4096, 131071, 131072, 131073, 1 << 20, (1 << 20) + 1, 5 << 20}) {
    for (const std::string& blob : {Noise(size), Text(size)}) {
      const std::string frame = CompressZstd(blob);
      EXPECT_LE(static_cast<std::int64_t>(frame.size()), ZstdBytesMax(static_cast<std::int64_t>(size)));
      EXPECT_THAT(Decoded(frame, static_cast<std::int64_t>(size)), IsOkAndHolds(blob));
    }
  }
}

TEST(ZstdCodecTest, AFrameMayHoldBytesAsTheyAre) {
  for (const std::size_t size : {0, 1, 255, 256, 65535, 65536, 131071, 131072}) {
    const std::string blob = Noise(size);
    const std::string frame = StoredFrameHead(static_cast<std::int64_t>(size)) + blob;
    EXPECT_THAT(Decoded(frame + frame, static_cast<std::int64_t>(2 * size)), IsOkAndHolds(blob + blob)) << size;
  }
}

TEST(ZstdCodecTest, TextBecomesSmaller) { EXPECT_LT(CompressZstd(Text(100'000)).size(), 20'000); }

TEST(ZstdCodecTest, ManyFramesAreOneBlob) {
  const std::string frames = CompressZstd("hello ") + Skippable(5) + CompressZstd("") + CompressZstd("world");
  EXPECT_THAT(Decoded(frames, 11), IsOkAndHolds("hello world"));
}

TEST(ZstdCodecTest, ABombStopsAtTheDeclaredSize) {
  std::int64_t seen = 0;
  const absl::Status status = DecompressZstd(Bytes(RunLength(100'000)), 1000, [&](std::string_view piece) {  // 13 GB
    seen += static_cast<std::int64_t>(piece.size());
    return absl::OkStatus();
  });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, testing::HasSubstr("more than the 1000 bytes")));
  EXPECT_LE(seen, 1001);
}

TEST(ZstdCodecTest, EveryTruncationIsRefused) {
  const std::string frame = CompressZstd(Text(300));
  for (std::size_t size = 0; size < frame.size(); ++size) {
    EXPECT_THAT(Decoded(frame.substr(0, size), 300), StatusIs(absl::StatusCode::kInvalidArgument)) << size;
  }
}

TEST(ZstdCodecTest, ASinkThatFailsEndsIt) {
  EXPECT_THAT(DecompressZstd(Bytes(CompressZstd("x")), 1,
                             [](std::string_view) { return absl::ResourceExhaustedError("full"); }),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(ZstdCodecTest, FromAFile) {
  const std::string blob = Text(3 << 20);
  const TempDir directory;
  StagingRoom room(directory.path(), Limits(), FileSystem::System());
  StagedUpload upload(10 << 20, BytesBudget::Hold(), room);
  ASSERT_OK(upload.Append(CompressZstd(blob)));
  std::string decoded;
  ASSERT_OK(DecompressZstd(std::move(upload).Finish(), std::ssize(blob), [&](std::string_view piece) {
    decoded.append(piece);
    return absl::OkStatus();
  }));
  EXPECT_EQ(decoded, blob);
}

TEST(ZstdCodecTest, WindowsUpTo8MiBAreTaken) {
  const std::string frame = HeaderWithWindow(23) + std::string("\x19\0\0", 3) + "abc";  // a raw last block of 3
  EXPECT_THAT(Decoded(frame, 3), IsOkAndHolds("abc"));
}

struct Bad {
  const char* what;
  std::string frames;
  std::int64_t size;
};

class BadZstd : public testing::TestWithParam<Bad> {};

TEST_P(BadZstd, IsRefused) {
  EXPECT_THAT(Decoded(GetParam().frames, GetParam().size), StatusIs(absl::StatusCode::kInvalidArgument))
      << GetParam().what;
}

std::vector<Bad> BadFrames() {
  const std::string hello = CompressZstd("hello");
  std::string flipped = CompressZstd(Text(1000));
  flipped[flipped.size() / 2] = static_cast<char>(~flipped[flipped.size() / 2]);
  std::string reserved = hello;
  reserved[4] = static_cast<char>(reserved[4] | 0x08);
  std::string block_type = HeaderWithWindow(17) + std::string("\x07\0\0", 3);
  std::string with_dictionary = hello;
  with_dictionary[4] = static_cast<char>(with_dictionary[4] | 0x03);
  return {
      {"nothing", "", 0},
      {"nothing for something", "", 5},
      {"not zstd", "hello", 5},
      {"plain NULs", std::string(100, '\0'), 100},
      {"gzip", "\x1f\x8b\x08 and so on", 5},
      {"the magic number only", hello.substr(0, 4), 5},
      {"of an older format", std::string("\x27\xb5\x2f\xfd", 4) + hello.substr(4), 5},
      {"one byte more than declared", hello, 4},
      {"one byte less than declared", hello, 6},
      {"declared empty", hello, 0},
      {"an empty frame for something", CompressZstd(""), 1},
      {"trailing junk", hello + "x", 5},
      {"trailing junk of a magic number's length", hello + "junk", 5},
      {"a trailing NUL", hello + std::string(1, '\0'), 5},
      {"a second frame beyond the size", hello + hello, 5},
      {"a second frame cut off", hello + hello.substr(0, 6), 10},
      {"skippable only", Skippable(10), 5},
      {"skippable cut off", Skippable(10).substr(0, 12), 0},
      {"skippable with a huge length", Skippable(0).substr(0, 4) + "\xff\xff\xff\x7f", 0},
      {"window 2^24", HeaderWithWindow(24) + std::string("\x19\0\0", 3) + "abc", 3},
      {"window 2^27", HeaderWithWindow(27) + std::string("\x19\0\0", 3) + "abc", 3},
      {"window 2^31", HeaderWithWindow(31) + std::string("\x19\0\0", 3) + "abc", 3},
      {"window 2^41", HeaderWithWindow(41) + std::string("\x19\0\0", 3) + "abc", 3},
      {"a bomb of one block", RunLength(1), 1000},
      {"a bomb of a thousand blocks", RunLength(1000), 1000},
      {"a bomb of many frames", RunLength(1) + RunLength(1), 128 << 10},
      {"a bit flipped within", flipped, 1000},
      {"a reserved bit", reserved, 5},
      {"a reserved block type", block_type, 5},
      {"a dictionary that nobody has", with_dictionary, 5},
      {"a block larger than can be", HeaderWithWindow(17) + "\xf9\xff\xff" + std::string(3 << 20, 'x'), 2 << 20},
      {"an unfinished frame without last block", HeaderWithWindow(17) + std::string("\x18\0\0", 3) + "abc", 3},
      {"only a header", HeaderWithWindow(17), 0},
  };
}

INSTANTIATE_TEST_SUITE_P(All, BadZstd, testing::ValuesIn(BadFrames()));

// A frame says of itself which window it needs: 2^30 here, for five bytes that follow as they are.
TEST(ZstdCodecTest, AFrameThatAsksForALargeWindowIsRefusedAlsoWhenItIsLittle) {
  const std::string magic = "\x28\xb5\x2f\xfd", raw = std::string("\x29\0\0", 3) + "hello";
  const std::string size_of_5 = std::string("\5\0\0\0", 4);
  const auto frame = [&](char window) { return magic + '\x80' + window + size_of_5 + raw; };
  EXPECT_THAT(DecompressZstd(frame(0), 5), IsOkAndHolds("hello"));
  EXPECT_THAT(DecompressZstd(frame((23 - 10) << 3), 5), IsOkAndHolds("hello"));
  EXPECT_THAT(DecompressZstd(frame((30 - 10) << 3), 5), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(DecompressZstd(frame(0) + frame((24 - 10) << 3), 10), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace smelt
