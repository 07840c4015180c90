#include "src/store/local/file_record.h"

#include <limits>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/digest_key.h"

namespace smelt {
namespace {

constexpr std::uint64_t kBoot = 7;

FileStat Stat() {
  return {.type = FileStat::Type::kRegular,
          .size = 100,
          .mtime_ns = 1'000,
          .ctime_ns = 2'000,
          .inode = 3,
          .device = 4,
          .links = 1,
          .mode = 0444};
}

bool IsBelieved(const FileStat& stat) { return IsAsRecorded(RecordOf(Stat(), kBoot, /*racy=*/false), stat, kBoot); }

TEST(FileRecordTest, AnUntouchedFileIsUnchanged) { EXPECT_TRUE(IsBelieved(Stat())); }

TEST(FileRecordTest, ContentsShowInSizeMtimeAndInode) {
  FileStat stat = Stat();
  stat.size = 101;
  EXPECT_FALSE(IsBelieved(stat));
  stat = Stat();
  stat.mtime_ns = 999;
  EXPECT_FALSE(IsBelieved(stat));
  stat = Stat();
  stat.inode = 5;
  EXPECT_FALSE(IsBelieved(stat));
}

TEST(FileRecordTest, ANewCtimeIsSuspectWhateverTheLinks) {
  FileStat stat = Stat();
  stat.links = 2;
  EXPECT_TRUE(IsBelieved(stat));
  stat.ctime_ns = 2'001;
  EXPECT_FALSE(IsBelieved(stat));
}

TEST(FileRecordTest, AnotherBootIsSuspect) {
  EXPECT_FALSE(IsAsRecorded(RecordOf(Stat(), kBoot, false), Stat(), kBoot + 1));
}

TEST(FileRecordTest, WhatWasDigestedInTheTickOfItsLastChangeIsSuspect) {
  EXPECT_FALSE(IsAsRecorded(RecordOf(Stat(), kBoot, /*racy=*/true), Stat(), kBoot));
}

TEST(FileRecordTest, DecodesWhatItEncodes) {
  FileRecord record = RecordOf(Stat(), std::numeric_limits<std::uint64_t>::max(), true);
  EXPECT_EQ(DecodeFileRecord(Encode(record)), record);
  record.mtime_ns = -1;
  record.racy = false;
  EXPECT_EQ(DecodeFileRecord(Encode(record)), record);
}

TEST(FileRecordTest, OtherBytesAreNoRecord) {
  const std::string encoded = Encode(RecordOf(Stat(), kBoot, false));
  EXPECT_EQ(DecodeFileRecord(""), std::nullopt);
  EXPECT_EQ(DecodeFileRecord(encoded.substr(1)), std::nullopt);
  EXPECT_EQ(DecodeFileRecord(encoded + "x"), std::nullopt);
  EXPECT_EQ(DecodeFileRecord(std::string(45, '\0')), std::nullopt) << "as it was with a count of links";
}

TEST(UseTest, OtherBytesAreNoTime) {
  EXPECT_EQ(DecodeUse(EncodeUse(1'700'000'000)), 1'700'000'000);
  for (const char* bytes : {"", "x", "1x", "-1", "9223372036854775808", "99999999999999999999999999"}) {
    EXPECT_EQ(DecodeUse(bytes), 0) << bytes;
  }
}

TEST(DigestKeyTest, GoesBothWays) {
  Digest digest = DigestOf("some blob");
  digest.size = 0x0102030405060708;
  EXPECT_EQ(DigestKey(digest).size(), 40u);
  EXPECT_EQ(DigestOfKey(DigestKey(digest)), digest);
  EXPECT_EQ(DigestOfKey("short"), std::nullopt);
}

}  // namespace
}  // namespace smelt
