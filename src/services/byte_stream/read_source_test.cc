#include "src/services/byte_stream/read_source.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "google/bytestream/bytestream.pb.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"
#include "src/digest/hasher.h"
#include "src/services/zstd/zstd_codec.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

constexpr std::int64_t kMessageBytes = 100'000;

std::string Random(std::size_t size) {
  std::mt19937 random(1);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

class ReadSourceTest : public testing::Test {
 protected:
  // What is sent of a blob, and in how many messages.
  std::string Read(const std::string& blob, bool zstd, std::int64_t begin = 0, reapi::ZstdWishes wishes = {}) {
    const ReadRange range = {DigestOf(blob), zstd, begin, static_cast<std::int64_t>(blob.size()), wishes};
    const auto source = NewReadSource(range, Bytes(blob), kMessageBytes, forms_, directory_.path());
    std::string sent;
    for (messages_ = 0; !source->AtEnd(); ++messages_) {
      auto message = source->Next();
      EXPECT_THAT(message, IsOk());
      if (!message.ok()) break;
      google::bytestream::ReadResponse response;
      EXPECT_TRUE(grpc::SerializationTraits<google::bytestream::ReadResponse>::Deserialize(&*message, &response).ok());
      sent += response.data();
    }
    return sent;
  }

  bool IsKept(const std::string& blob) { return forms_.Find(DigestOf(blob)).has_value(); }

  TempDir directory_;
  ZstdForms forms_{directory_.path(), 16 << 20};
  int messages_ = 0;
};

TEST_F(ReadSourceTest, SendsBytesAsTheyAre) {
  const std::string blob = Random(250'000);
  EXPECT_EQ(Read(blob, false), blob);
  EXPECT_EQ(messages_, 3);
  EXPECT_EQ(Read(blob, false, 200'000), blob.substr(200'000));
  EXPECT_EQ(messages_, 1);
  EXPECT_FALSE(IsKept(blob));
}

TEST_F(ReadSourceTest, CompressesOnceAndSendsThatAgain) {
  const std::string blob(3'000'000, 'a');
  const std::string first = Read(blob, true);
  EXPECT_EQ(messages_, 30);
  EXPECT_THAT(DecompressZstd(first, 3'000'000), IsOkAndHolds(blob));
  EXPECT_TRUE(IsKept(blob));
  EXPECT_EQ(Read(blob, true), first);
  EXPECT_EQ(messages_, 1) << "of what is small now";
}

TEST_F(ReadSourceTest, APartIsNeitherKeptNorTakenFromWhatIs) {
  const std::string blob(300'000, 'a');
  EXPECT_THAT(DecompressZstd(Read(blob, true, 1), 299'999), IsOkAndHolds(blob.substr(1)));
  EXPECT_FALSE(IsKept(blob));
  Read(blob, true);
  EXPECT_TRUE(IsKept(blob));
  EXPECT_THAT(DecompressZstd(Read(blob, true, 1), 299'999), IsOkAndHolds(blob.substr(1)));
}

TEST_F(ReadSourceTest, WhoWishesGetsTheBytesAsTheyAreInFrames) {
  const reapi::ZstdWishes stored = {.stored = true};
  const std::string blob(350'000, 'a');
  const std::string sent = Read(blob, true, 0, stored);
  EXPECT_EQ(messages_, 4);
  EXPECT_EQ(sent.size(), blob.size() + 4 * StoredFrameHead(0).size());
  EXPECT_THAT(DecompressZstd(sent, 350'000), IsOkAndHolds(blob));
  EXPECT_THAT(DecompressZstd(Read(blob, true, 300'000, stored), 50'000), IsOkAndHolds(blob.substr(300'000)));
  EXPECT_FALSE(IsKept(blob));
  const std::string kept = Read(blob, true);
  EXPECT_EQ(Read(blob, true, 0, stored), kept) << "which is less";
}

TEST_F(ReadSourceTest, WhatDoesNotShrinkIsNotKept) {
  const std::string random = Random(3'000'000);
  EXPECT_THAT(DecompressZstd(Read(random, true), 3'000'000), IsOkAndHolds(random));
  EXPECT_FALSE(IsKept(random));
  const std::string late = Random(2'000'000) + std::string(40'000'000, 'a');
  EXPECT_THAT(DecompressZstd(Read(late, true), 42'000'000), IsOkAndHolds(late));
  EXPECT_FALSE(IsKept(late)) << "the trial was given up";
}

TEST_F(ReadSourceTest, BytesThatAreNotTheBlobsAreNotKept) {
  const std::string blob(300'000, 'a'), rotten(300'000, 'b');
  const auto source =
      NewReadSource({DigestOf(blob), true, 0, 300'000}, Bytes(rotten), kMessageBytes, forms_, directory_.path());
  while (!source->AtEnd()) ASSERT_THAT(source->Next(), IsOk());
  EXPECT_FALSE(IsKept(blob));
}

TEST_F(ReadSourceTest, AReadThatEndsEarlyKeepsNothing) {
  const std::string blob(300'000, 'a');
  const auto source =
      NewReadSource({DigestOf(blob), true, 0, 300'000}, Bytes(blob), kMessageBytes, forms_, directory_.path());
  EXPECT_THAT(source->Next(), IsOk());
  EXPECT_FALSE(IsKept(blob));
}

}  // namespace
}  // namespace smelt
