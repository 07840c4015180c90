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

FileChange CompareWith(const FileStat& stat) { return Compare(RecordOf(Stat(), kBoot, /*racy=*/false), stat, kBoot); }

TEST(FileRecordTest, AnUntouchedFileIsUnchanged) { EXPECT_EQ(CompareWith(Stat()), FileChange::kNone); }

TEST(FileRecordTest, ContentsShowInSizeMtimeAndInode) {
  FileStat stat = Stat();
  stat.size = 101;
  EXPECT_EQ(CompareWith(stat), FileChange::kSuspect);
  stat = Stat();
  stat.mtime_ns = 999;
  EXPECT_EQ(CompareWith(stat), FileChange::kSuspect);
  stat = Stat();
  stat.inode = 5;
  EXPECT_EQ(CompareWith(stat), FileChange::kSuspect);
}

TEST(FileRecordTest, LinksExplainANewCtimeAndNothingElseDoes) {
  FileStat stat = Stat();
  stat.ctime_ns = 2'001;
  EXPECT_EQ(CompareWith(stat), FileChange::kSuspect);
  stat.links = 2;
  EXPECT_EQ(CompareWith(stat), FileChange::kLinksOnly);
  stat.mtime_ns = 1'001;
  EXPECT_EQ(CompareWith(stat), FileChange::kSuspect);
}

TEST(FileRecordTest, AnotherBootIsSuspect) {
  EXPECT_EQ(Compare(RecordOf(Stat(), kBoot, false), Stat(), kBoot + 1), FileChange::kSuspect);
}

TEST(FileRecordTest, WhatWasDigestedInTheTickOfItsLastChangeIsSuspect) {
  EXPECT_EQ(Compare(RecordOf(Stat(), kBoot, /*racy=*/true), Stat(), kBoot), FileChange::kSuspect);
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
