#include "src/store/rocks/prepared_logs.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/file_system.h"
#include "src/store/rocks/rocks_database.h"
#include "src/testing/damage.h"
#include "src/testing/fake_clock.h"
#include "src/testing/small_disk.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

constexpr char kLog[] = "000001.log";

std::string ReadAll(const std::string& path) { return FileSystem::System().ReadFile(path).value_or("no file"); }

class PreparedLogsTest : public testing::Test {
 protected:
  std::unique_ptr<rocksdb::FSWritableFile> Open(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(files_.NewWritableFile(dir_ / name, {}, &file, nullptr).ok());
    return file;
  }

  static bool Append(rocksdb::FSWritableFile& file, const std::string& bytes) {
    return file.Append(bytes, {}, nullptr).ok();
  }

  TempDir dir_;
  PreparedLogFileSystem files_{rocksdb::FileSystem::Default()};
};

TEST_F(PreparedLogsTest, ALogHasZerosAheadOfWhatIsWritten) {
  const auto log = Open(kLog);
  ASSERT_TRUE(Append(*log, "first"));
  const std::string first = ReadAll(dir_ / kLog);
  ASSERT_GE(first.size(), PreparedLogFileSystem::kAheadBytesMin);
  EXPECT_EQ(first, "first" + std::string(first.size() - 5, '\0'));
  ASSERT_TRUE(Append(*log, "second"));
  EXPECT_EQ(ReadAll(dir_ / kLog), "firstsecond" + std::string(first.size() - 11, '\0'));
}

TEST_F(PreparedLogsTest, MoreIsMadeAsItGrows) {
  const auto log = Open(kLog);
  const std::string piece(30'000, 'x');
  std::size_t written = 0, changes = 0, size = 0;
  while (written < 8 << 20) {
    ASSERT_TRUE(Append(*log, piece));
    written += piece.size();
    const std::size_t now = std::filesystem::file_size(dir_ / kLog);
    ASSERT_GE(now, written);
    ASSERT_LE(now, written + PreparedLogFileSystem::kAheadBytesMax + (64 << 10));
    changes += now != size ? 1 : 0;
    size = now;
  }
  EXPECT_LE(changes, 14u);
  EXPECT_EQ(ReadAll(dir_ / kLog), std::string(written, 'x') + std::string(size - written, '\0'));
}

TEST_F(PreparedLogsTest, EndsWhereItShouldOnceItIsClosed) {
  const auto log = Open(kLog);
  ASSERT_TRUE(Append(*log, "all"));
  ASSERT_TRUE(log->Close({}, nullptr).ok());
  EXPECT_EQ(ReadAll(dir_ / kLog), "all");
}

TEST_F(PreparedLogsTest, EndsWhereItShouldWithoutBeingClosed) {
  ASSERT_TRUE(Append(*Open(kLog), "all"));
  EXPECT_EQ(ReadAll(dir_ / kLog), "all");
}

TEST_F(PreparedLogsTest, OtherFilesAreAsTheyAre) {
  const auto table = Open("000002.sst");
  ASSERT_TRUE(Append(*table, "rows"));
  EXPECT_EQ(ReadAll(dir_ / "000002.sst"), "rows");
}

TEST_F(PreparedLogsTest, TakesTheLastByteOfADiskThatHasNoRoomForZeros) {
  const SmallDisk disk(dir_.path(), "256k");
  if (!disk.mounted()) GTEST_SKIP() << "may not mount";
  const auto log = Open(kLog);
  const std::string piece(4096, 'x');
  std::size_t written = 0;
  while (written < 1 << 20 && Append(*log, piece)) written += piece.size();
  EXPECT_EQ(written, 256u << 10);
}

// What a database that is killed leaves behind, with the end of its log as it is or cut off by the power.
class KilledDatabaseTest : public testing::Test {
 protected:
  static constexpr int kBatches = 50;

  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(const auto database, RocksDatabase::Open(dir_ / "db", FileSystem::System(), clock_));
    for (int i = 0; i < kBatches; ++i) {
      RocksDatabase::Batch batch(*database);
      batch.Put(RocksDatabase::kBlobRows, std::to_string(i), "row");
      batch.Put(RocksDatabase::kTreeBlobs, std::to_string(i), std::string(5'000 - i % 7 * 800, 'b'));
      ASSERT_OK(database->Write(batch, RocksDatabase::Durability::kMachine));
    }
    std::filesystem::copy(dir_ / "db", killed_, std::filesystem::copy_options::recursive);
    const std::vector<std::string> logs = FilesBelow(killed_, ".log");
    ASSERT_FALSE(logs.empty());
    log_ = logs.back();
    const std::string bytes = ReadAll(log_);
    ASSERT_EQ(bytes.back(), '\0');
    end_ = bytes.find_last_not_of('\0') + 1;
  }

  // The number of batches that a new start finds; they are the first ones, and whole.
  int CountFound() {
    const auto opened = RocksDatabase::Open(killed_, FileSystem::System(), clock_);
    EXPECT_OK(opened);
    RocksDatabase& database = **opened;
    EXPECT_FALSE(database.broken());
    int found = 0;
    while (database.Get(RocksDatabase::kBlobRows, std::to_string(found))->has_value()) ++found;
    for (int i = 0; i < kBatches; ++i) {
      EXPECT_EQ(database.Get(RocksDatabase::kTreeBlobs, std::to_string(i))->has_value(), i < found) << i;
    }
    return found;
  }

  // As if these bytes had never reached the disk.
  void Lose(std::size_t offset, std::size_t bytes) {
    std::fstream log(log_, std::ios::in | std::ios::out | std::ios::binary);
    log.seekp(static_cast<std::streamoff>(offset));
    log << std::string(bytes, '\0');
  }

  TempDir dir_;
  FakeClock clock_;
  std::string killed_ = dir_ / "killed";
  std::string log_;
  std::size_t end_ = 0;  // of what was written
};

TEST_F(KilledDatabaseTest, HasAllThatWasSynced) { EXPECT_EQ(CountFound(), kBatches); }

TEST_F(KilledDatabaseTest, ABatchWithoutItsEndIsNone) {
  Lose(end_ - 1'000, 1'000);
  EXPECT_EQ(CountFound(), kBatches - 1);
}

TEST_F(KilledDatabaseTest, ABatchWithoutItsMiddleIsNone) {
  Lose(end_ - 3'000, 1'000);
  EXPECT_EQ(CountFound(), kBatches - 1);
}

TEST_F(KilledDatabaseTest, ABatchWithoutItsBeginningIsNone) {
  Lose(end_ - 5'030, 1'000);
  EXPECT_EQ(CountFound(), kBatches - 1);
}

// Before the next sync, a disk may write what is in the middle later than what follows.
TEST_F(KilledDatabaseTest, WithoutAnySectorTheFirstBatchesAreWhole) {
  constexpr std::size_t kSectorBytes = 4096;
  const std::string before = killed_;
  for (std::size_t sector = 0; sector < end_; sector += kSectorBytes) {
    killed_ = dir_ / ("without_" + std::to_string(sector));
    std::filesystem::copy(before, killed_, std::filesystem::copy_options::recursive);
    log_ = FilesBelow(killed_, ".log").back();
    Lose(sector, std::min(kSectorBytes, end_ - sector));
    EXPECT_LT(CountFound(), kBatches) << sector;
  }
}

}  // namespace
}  // namespace smelt
