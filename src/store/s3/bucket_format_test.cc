#include "src/store/s3/bucket_format.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "src/digest/hasher.h"
#include "src/store/s3/bucket_index.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr char kPack[] = "v1/packs/00000000000000000001-writer", kBlob[] = "v1/blobs/of-its-own";

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
  };
  for (const auto& one : kCases) {
    SCOPED_TRACE(testing::PrintToString(&one - kCases));
    const auto index = DecodeIndex(EncodeIndex(IndexOf(one.index)));
    ASSERT_EQ(index.ok(), one.is_read) << index.status();
    if (!index.ok()) continue;
    BucketIndex held;
    held.Add(*index);
    EXPECT_EQ(held.Find(DigestOf("blob"), 0).has_value(), one.is_found);
  }
}

TEST(BucketFormatTest, ANameHasAWholeHash) {
  bucket::v1::Index index = IndexOf({kPack, 1, 10, 4, 6});
  index.mutable_packs(0)->mutable_payloads(0)->mutable_hash()->pop_back();
  EXPECT_THAT(DecodeIndex(EncodeIndex(index)), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace smelt
