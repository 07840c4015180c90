// Bytes of the store's files changed, or their ends cut off: the store opens, serves nothing wrong, and takes
// everything again.

#include <algorithm>
#include <filesystem>

#include "src/store/rocks/rocks_database.h"
#include "src/store/rocks/rocks_store_fixture.h"

namespace smelt {
namespace {

constexpr int kBlobs = 12;

class RocksStoreCorruptionTest : public RocksStoreFixture, public testing::WithParamInterface<unsigned> {
 protected:
  RocksStoreCorruptionTest() { Open(); }

  static std::string Blob(int number) {
    constexpr std::int64_t kSizes[] = {kTree, kBlobDb, kFile};
    return Contents(kSizes[number % 3], static_cast<unsigned>(number));
  }
  static ActionCache::ActionResult ResultOf(int number) {
    return Result(Contents(kTree, static_cast<unsigned>(number)));
  }

  // True if all of it was taken.
  bool PutAll() {
    bool taken = true;
    for (int number = 0; number < kBlobs; ++number) {
      taken &= TryPut(Blob(number)).ok();
      taken &= store_->actions().Of("main")->Put(DigestOf(std::to_string(number)), ResultOf(number)).ok();
    }
    return taken;
  }

  // How many of the blobs and results are there; all that are, are right.
  int CountRight() {
    int right = 0;
    for (int number = 0; number < kBlobs; ++number) {
      const auto blob = Get(DigestOf(Blob(number)));
      if (blob.ok()) {
        EXPECT_EQ(DigestOf(*blob), DigestOf(Blob(number)));
        ++right;
      } else {
        EXPECT_TRUE(absl::IsNotFound(blob.status()) || absl::IsDataLoss(blob.status())) << blob.status();
        EXPECT_FALSE(Has(DigestOf(Blob(number))));
      }
      const auto result = store_->actions().Of("main")->Get(DigestOf(std::to_string(number)));
      if (result.ok()) {
        EXPECT_EQ(result->SerializeAsString(), ResultOf(number).SerializeAsString());
        ++right;
      } else {
        EXPECT_THAT(result, StatusIs(absl::StatusCode::kNotFound));
      }
    }
    return right;
  }

  // Changes a byte of some file of ours whose name ends so, or cuts its end off.
  void Corrupt(const std::string& directory, std::string_view suffix, std::mt19937& random) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      if (!entry.is_regular_file() || entry.file_size() == 0) continue;
      if (entry.path().string().ends_with(suffix)) paths.push_back(entry.path());
    }
    ASSERT_FALSE(paths.empty());
    std::sort(paths.begin(), paths.end());
    const std::string path = paths[random() % paths.size()];
    ASSERT_OK_AND_ASSIGN(std::string bytes, FileSystem::System().ReadFile(path));
    const std::size_t at = random() % bytes.size();
    if (random() % 3 == 0) {
      bytes.resize(at);
    } else {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    }
    ASSERT_OK(FileSystem::System().Remove(path));
    ASSERT_OK(FileSystem::System().WriteNewFile(path, bytes, 0644));
  }

  void FlushToTables() {
    ASSERT_OK_AND_ASSIGN(const auto database, RocksDatabase::Open(options_.directory + "/db", files_, clock_));
    ASSERT_OK(database->FlushMemtables());
  }

  // What was met is put aside when the store is next opened.
  void ExpectHeals() {
    bool taken = false;
    for (int restart = 0; restart < 3 && !taken; ++restart) {
      Open();
      CountRight();
      taken = PutAll();
    }
    EXPECT_TRUE(taken);
    EXPECT_EQ(CountRight(), 2 * kBlobs);
    Open();
    EXPECT_TRUE(PutAll());
    EXPECT_EQ(CountRight(), 2 * kBlobs);
  }
};

TEST_P(RocksStoreCorruptionTest, OfTheLog) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  Corrupt(options_.directory + "/db", ".log", random);
  ExpectHeals();
}

TEST_P(RocksStoreCorruptionTest, OfTheTables) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  FlushToTables();
  Corrupt(options_.directory + "/db", ".sst", random);
  ExpectHeals();
}

TEST_P(RocksStoreCorruptionTest, OfTheBlobDb) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  FlushToTables();
  Corrupt(options_.directory + "/db", ".blob", random);
  ExpectHeals();
}

TEST_P(RocksStoreCorruptionTest, OfAnythingInTheDatabase) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  FlushToTables();
  Corrupt(options_.directory + "/db", "", random);
  ExpectHeals();
}

TEST_P(RocksStoreCorruptionTest, OfTheFiles) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  Corrupt(options_.directory + "/files", "", random);
  Open();
  EXPECT_EQ(CountRight(), 2 * kBlobs - 1);
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(CountRight(), 2 * kBlobs);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RocksStoreCorruptionTest, testing::Range(0u, 8u));

}  // namespace
}  // namespace smelt
