#include "src/store/s3/bucket_format.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "google/protobuf/unknown_field_set.h"
#include "src/digest/hasher.h"
#include "src/store/s3/bucket_index.h"
#include "src/store/zstd.h"
#include "src/testing/fake_clock.h"
#include "src/testing/peak_memory.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr char kPack[] = "v1/packs/00000000000000000001-writer", kBlob[] = "v1/blobs/of-its-own";

absl::StatusOr<bucket::v1::Index> DecodeIndex(std::string_view bytes) {
  bucket::v1::Index index;
  const auto add_pack = [&](bucket::v1::Pack& pack) { return *index.add_packs() = pack, absl::OkStatus(); };
  const auto add_mark = [&](bucket::v1::Mark& mark) { return *index.add_marks() = mark, absl::OkStatus(); };
  const absl::Status read = ReadIndex(bytes, {add_pack, add_mark});
  if (!read.ok()) return read;
  return index;
}

struct Case {
  const char* key;
  std::int64_t sealed_ns, size, offset, stored_size;
};

bucket::v1::Index IndexOf(const Case& one) {
  bucket::v1::Index index;
  bucket::v1::Pack& pack = *index.add_packs();
  pack.set_key(one.key);
  pack.set_sealed_ns(one.sealed_ns);
  pack.set_size(one.size);
  bucket::v1::Payload& payload = *pack.add_payloads();
  const Digest name = DigestOf("blob");
  payload.set_hash(std::string(reinterpret_cast<const char*>(name.hash.data()), name.hash.size()));
  payload.set_size(name.size);
  payload.set_offset(one.offset);
  payload.set_stored_size(one.stored_size);
  return index;
}

TEST(BucketFormatTest, WhatAnIndexSaysMustBePossible) {
  constexpr std::int64_t kPacked = BucketIndex::kPackedBytesMax, kLarge = std::int64_t{1} << 46;
  const struct {
    Case index;
    bool is_read, is_found;
  } kCases[] = {
      {{kPack, 1, 10, 4, 6}, true, true},
      {{kPack, std::int64_t{1} << 62, 10, 4, 6}, true, true},
      {{kPack, kMax, 10, 4, 6}, false, false},
      {{kPack, -1, 10, 4, 6}, false, false},
      {{kPack, 1, 10, 5, 6}, false, false},
      {{kPack, 1, 10, -1, 6}, false, false},
      {{kPack, 1, 10, 4, -1}, false, false},
      {{kPack, 1, -1, 0, 0}, false, false},
      {{kPack, 1, kPacked + 1, 1, kPacked}, true, true},
      {{kPack, 1, kPacked + 1, 0, kPacked + 1}, true, false},
      {{kBlob, 1, kPacked + 1, 0, kPacked + 1}, true, true},
      {{kBlob, 1, kLarge, 0, kLarge}, true, true},
      {{kBlob, 1, kLarge + 1, 0, kLarge + 1}, false, false},
      {{kPack, 1, kMax, kMax, 0}, false, false},
      {{"somebody/elses", 1, 10, 4, 6}, false, false},
      {{"v1/index/00000000000000000001-writer", 1, 10, 4, 6}, false, false},
      {{"", 1, 10, 4, 6}, false, false},
  };
  for (const auto& one : kCases) {
    SCOPED_TRACE(testing::PrintToString(&one - kCases));
    const auto index = DecodeIndex(EncodeIndex(IndexOf(one.index)));
    ASSERT_EQ(index.ok(), one.is_read) << index.status();
    if (!index.ok()) continue;
    FakeClock clock;
    BucketIndex held(clock, 1 << 20);
    held.Add(index->packs(0));
    EXPECT_EQ(held.Find(DigestOf("blob"), 0).has_value(), one.is_found);
  }
}

TEST(BucketFormatTest, ANameHasAWholeHash) {
  bucket::v1::Index index = IndexOf({kPack, 1, 10, 4, 6});
  index.mutable_packs(0)->mutable_payloads(0)->mutable_hash()->pop_back();
  EXPECT_THAT(DecodeIndex(EncodeIndex(index)), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(BucketFormatTest, AMarkIsOfAnObjectOfOurs) {
  const std::pair<const char*, bool> kCases[] = {{kPack, true}, {kBlob, true}, {"somebody/elses", false}, {"", false}};
  for (const auto& [key, is_read] : kCases) {
    bucket::v1::Index index;
    index.add_marks()->set_key(key);
    EXPECT_EQ(DecodeIndex(EncodeIndex(index)).ok(), is_read) << key;
  }
}

TEST(BucketFormatTest, ANameIsNotLongerThanOurs) {
  for (const std::size_t bytes : {256u, 257u}) {
    bucket::v1::Index index;
    index.add_marks()->set_key("v1/packs/" + std::string(bytes - 9, 'x'));
    EXPECT_EQ(DecodeIndex(EncodeIndex(index)).ok(), bytes == 256u);
  }
}

TEST(BucketFormatTest, PacksAndMarksKeepTheirOrder) {
  bucket::v1::Index index;
  for (const char* writer : {"c", "a", "b"}) {
    index.add_packs()->set_key(PackKey(1, writer));
    index.add_marks()->set_key(PackKey(2, writer));
  }
  const auto read = DecodeIndex(EncodeIndex(index));
  ASSERT_OK(read);
  EXPECT_EQ(read->SerializeAsString(), index.SerializeAsString());
}

// An index with the right checksum that holds `text`, whatever that is.
std::string Sealed(std::string_view text) {
  std::string bytes = "smeltix1" + ZstdCompress(text, 1);
  const Digest digest = DigestOf(std::string_view(bytes));
  bytes.append(reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size());
  return bytes;
}

// An index of one pack, which is these bytes.
std::string WithOnePack(const std::string& pack) {
  google::protobuf::UnknownFieldSet fields;
  fields.AddLengthDelimited(bucket::v1::Index::kPacksFieldNumber, pack);
  std::string index;
  EXPECT_TRUE(fields.SerializeToString(&index));
  return index;
}

TEST(BucketFormatTest, WhatSaysNothingTakesNoMemory) {
  std::string packs;
  for (int i = 0; i < 16 << 20; ++i) packs.append("\x0a\x00", 2);  // all of them parsed: 2 GB
  const std::string sealed = Sealed(packs);
  EXPECT_LT(sealed.size(), 10'000u);
  const PeakMemory memory;
  EXPECT_THAT(DecodeIndex(sealed), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_LT(memory.Grown(), 500 << 20);
}

TEST(BucketFormatTest, OnePackOfAnIndexHasABound) {
  const std::string key = PackKey(1, "writer");
  std::string pack = "\x0a" + std::string(1, static_cast<char>(key.size())) + key;
  for (int i = 0; i < 16 << 20; ++i) pack.append("\x22\x00", 2);
  const std::string sealed = Sealed(WithOnePack(pack));
  const PeakMemory memory;
  EXPECT_THAT(DecodeIndex(sealed), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_LT(memory.Grown(), 500 << 20);
}

TEST(BucketFormatTest, AnIndexNamesTwoMillionObjectsAtMost) {
  std::string marks;
  for (int i = 0; i < 2'000'000; ++i) marks += "\x12\x0b\x0a\x09v1/packs/";
  EXPECT_OK(DecodeIndex(Sealed(marks)));
  EXPECT_THAT(DecodeIndex(Sealed(marks + "\x12\x0b\x0a\x09v1/packs/")), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(BucketFormatTest, EmptyPayloadsAreNotHeld) {
  const std::string key = PackKey(1, "writer");
  std::string pack = "\x0a" + std::string(1, static_cast<char>(key.size())) + key;
  while (pack.size() < (16 << 20) - 2) pack.append("\x22\x00", 2);
  const std::string sealed = Sealed(WithOnePack(pack));
  const PeakMemory memory;
  EXPECT_THAT(DecodeIndex(sealed), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_LT(memory.Grown(), 100 << 20);  // parsed: 700 MB
}

}  // namespace
}  // namespace smelt
