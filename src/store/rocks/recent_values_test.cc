#include "src/store/rocks/recent_values.h"

#include <string>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

constexpr std::int64_t kBytesMax = 1 << 20;

Digest KeyOf(int number) { return DigestOf(std::to_string(number)); }

std::string Text(const std::optional<Bytes>& value) { return value.has_value() ? *value->contents() : "nothing"; }

TEST(RecentValues, KeepsWhatWasWrittenAndWhatWasRead) {
  RecentValues values(kBytesMax);
  EXPECT_EQ(Text(values.Find(KeyOf(1))), "nothing");
  values.Replace(KeyOf(1), Bytes("written"));
  values.Add(KeyOf(2), Bytes("read"), values.VersionOf(KeyOf(2)));
  EXPECT_EQ(Text(values.Find(KeyOf(1))), "written");
  EXPECT_EQ(Text(values.Find(KeyOf(2))), "read");
  values.Replace(KeyOf(1), Bytes("again"));
  EXPECT_EQ(Text(values.Find(KeyOf(1))), "again");
  values.Drop(KeyOf(1));
  EXPECT_EQ(Text(values.Find(KeyOf(1))), "nothing");
}

TEST(RecentValues, WhatWasReadBeforeAReplacementIsNotKept) {
  RecentValues values(kBytesMax);
  const auto before = values.VersionOf(KeyOf(1));
  values.Replace(KeyOf(1), Bytes("new"));
  values.Add(KeyOf(1), Bytes("old"), before);
  EXPECT_EQ(Text(values.Find(KeyOf(1))), "new");
  const auto there = values.VersionOf(KeyOf(1));
  values.Drop(KeyOf(1));
  values.Add(KeyOf(1), Bytes("new"), there);
  EXPECT_EQ(Text(values.Find(KeyOf(1))), "nothing");
}

TEST(RecentValues, IsBoundedAndDropsWhatWasUsedLongestAgo) {
  RecentValues values(kBytesMax);
  values.Replace(KeyOf(0), Bytes(std::string(1000, 'x')));
  for (int i = 1; i < 5'000; ++i) {
    values.Replace(KeyOf(i), Bytes(std::string(1000, 'x')));
    ASSERT_TRUE(values.Find(KeyOf(0)).has_value()) << i;
    ASSERT_LE(values.bytes(), kBytesMax);
  }
  EXPECT_FALSE(values.Find(KeyOf(1)).has_value());
  EXPECT_TRUE(values.Find(KeyOf(4'999)).has_value());
  EXPECT_GT(values.bytes(), kBytesMax / 2);
}

TEST(RecentValues, LargeOnesAreNotKept) {
  RecentValues values(16 * kBytesMax);
  values.Replace(KeyOf(1), Bytes(std::string(RecentValues::kValueBytesMax, 'x')));
  EXPECT_TRUE(values.Find(KeyOf(1)).has_value());
  values.Replace(KeyOf(1), Bytes(std::string(RecentValues::kValueBytesMax + 1, 'x')));
  EXPECT_FALSE(values.Find(KeyOf(1)).has_value());
}

}  // namespace
}  // namespace smelt
