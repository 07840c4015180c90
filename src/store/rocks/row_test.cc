#include "src/store/rocks/row.h"

#include <string>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

TEST(RowTest, ComesBackAsItWent) {
  for (const Row& row : {Row{}, Row{.place = Place::kFile, .used_until = 0xffffffff, .bytes = (1LL << 48) - 1},
                         Row{.place = Place::kResult, .used_until = 1'700'000'000, .bytes = 7}}) {
    EXPECT_EQ(DecodeRow(Encode(row)), row);
  }
}

TEST(RowTest, AnythingElseIsNone) {
  const std::string good = Encode(Row{.bytes = 5});
  EXPECT_FALSE(DecodeRow("").has_value());
  EXPECT_FALSE(DecodeRow(good + "x").has_value());
  EXPECT_FALSE(DecodeRow(good.substr(1)).has_value());
  std::string version = good, place = good, huge = good;
  version[0] = 2;
  place[1] = 4;
  huge[6] = 1;
  for (const std::string& bad : {version, place, huge}) EXPECT_FALSE(DecodeRow(bad).has_value());
}

TEST(OutboxRowTest, ComesBackAsItWent) {
  const OutboxRow row{.entry = {.kind = Outbox::Kind::kAction,
                                .instance = "pr/7",
                                .digest = DigestOf("x"),
                                .since_seconds = 1'700'000'000},
                      .bytes = 12};
  const auto decoded = DecodeOutboxRow(Encode(row));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->entry.kind, row.entry.kind);
  EXPECT_EQ(decoded->entry.instance, row.entry.instance);
  EXPECT_EQ(decoded->entry.digest, row.entry.digest);
  EXPECT_EQ(decoded->entry.since_seconds, row.entry.since_seconds);
  EXPECT_EQ(decoded->bytes, row.bytes);
  EXPECT_FALSE(DecodeOutboxRow(Encode(row).substr(0, 57)).has_value());
}

TEST(OutboxRowTest, NumbersThatCannotBeAreNoRow) {
  const std::string good = Encode(OutboxRow{.entry = {.digest = DigestOf("x"), .since_seconds = 1}, .bytes = 1});
  ASSERT_TRUE(DecodeOutboxRow(good).has_value());
  constexpr std::size_t kSince = 2, kBytes = 10, kDigestSize = 50;
  for (const std::size_t at : {kSince, kBytes, kDigestSize}) {
    for (const char first : {'\x80', '\x7f'}) {
      std::string bad = good;
      bad[at] = first;
      EXPECT_FALSE(DecodeOutboxRow(bad).has_value()) << at;
    }
  }
}

TEST(SequenceKeyTest, SortsAsNumbersDo) {
  EXPECT_LT(SequenceKey(255), SequenceKey(256));
  EXPECT_EQ(SequenceOfKey(SequenceKey(1ULL << 63)), 1ULL << 63);
  EXPECT_FALSE(SequenceOfKey("1234567").has_value());
}

TEST(ActionKeyTest, TellsInstancesApart) {
  EXPECT_NE(ActionKey("a", DigestOf("x")), ActionKey("b", DigestOf("x")));
  EXPECT_NE(ActionKey("", DigestOf("x")), ActionKey(std::string(1, '\0'), DigestOf("x")));
}

TEST(SealedResultTest, OpensOnlyAsItWasSealed) {
  const std::string value = SealResult("key", "bytes");
  EXPECT_EQ(OpenResult("key", value), "bytes");
  EXPECT_EQ(OpenResult("key", SealResult("key", "")), "");
  EXPECT_FALSE(OpenResult("other key", value).has_value());
  EXPECT_FALSE(OpenResult("key", "").has_value());
  for (std::size_t at = 0; at < value.size(); ++at) {
    std::string flipped = value;
    flipped[at] ^= 1;
    EXPECT_FALSE(OpenResult("key", flipped).has_value()) << at;
    EXPECT_FALSE(OpenResult("key", value.substr(0, at)).has_value()) << at;
  }
}

}  // namespace
}  // namespace smelt
