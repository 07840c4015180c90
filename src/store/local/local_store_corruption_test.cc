// Random bytes of the store's files changed, or their ends cut off: the store opens, serves nothing wrong, and takes
// everything again.

#include "src/store/local/database.h"
#include "src/store/local/local_store_fixture.h"

namespace smelt {
namespace {

constexpr int kBlobs = 8;

class LocalStoreCorruptionTest : public LocalStoreFixture, public testing::WithParamInterface<unsigned> {
 protected:
  static std::string Blob(int number) {
    return Contents(number % 2 == 0 ? kSmall : kLarge, static_cast<unsigned>(number));
  }

  static ActionCache::ActionResult Result(int number) {
    ActionCache::ActionResult result;
    result.set_stdout_raw(Contents(kSmall, static_cast<unsigned>(number)));
    return result;
  }

  // True if all of it was taken.
  bool PutAll() {
    bool taken = true;
    for (int number = 0; number < kBlobs; ++number) {
      taken &= store_->blobs().Put(DigestOf(Blob(number)), Bytes(Blob(number))).ok();
      taken &= store_->actions().Put(DigestOf(std::to_string(number)), Result(number)).ok();
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
      }
      const auto result = store_->actions().Get(DigestOf(std::to_string(number)));
      if (result.ok()) {
        EXPECT_EQ(result->SerializeAsString(), Result(number).SerializeAsString());
        ++right;
      } else {
        EXPECT_THAT(result, StatusIs(absl::StatusCode::kNotFound));
      }
    }
    return right;
  }

  // Changes a byte of some file under `directory`, or cuts its end off.
  void Corrupt(const std::string& directory, std::mt19937& random) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
      if (entry.is_regular_file() && entry.file_size() > 0) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    const std::string path = paths[random() % paths.size()];
    SCOPED_TRACE(path);
    std::string bytes = Read(path);
    const std::size_t at = random() % bytes.size();
    if (random() % 3 == 0) {
      bytes.resize(at);
    } else {
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    }
    ASSERT_OK(FileSystem::System().Remove(path));
    ASSERT_OK(FileSystem::System().WriteNewFile(path, bytes, 0644));
  }

  // RocksDB takes nothing any more once a compaction has met what it cannot read; what was met is put aside when the
  // store is next opened.
  void CheckThatItHeals() {
    constexpr int kRestartsMax = 3;
    bool taken = false;
    for (int restart = 0; restart < kRestartsMax && !taken; ++restart) {
      Open();
      CountRight();
      taken = PutAll();
    }
    EXPECT_TRUE(taken);
    EXPECT_EQ(CountRight(), 2 * kBlobs);
  }
};

TEST_P(LocalStoreCorruptionTest, OfTheDatabasesLog) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  Corrupt(options_.directory + "/db", random);
  CheckThatItHeals();
}

TEST_P(LocalStoreCorruptionTest, OfTheDatabasesTables) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  {
    ASSERT_OK_AND_ASSIGN(const auto database, Database::Open(options_.directory + "/db", files_, clock_));
    ASSERT_OK(database->Put(Database::Family::kTables, "x", "y"));
    ASSERT_OK(database->FlushMemtables());
  }
  Corrupt(options_.directory + "/db", random);
  CheckThatItHeals();
}

TEST_P(LocalStoreCorruptionTest, OfTheBlobFiles) {
  std::mt19937 random(GetParam());
  EXPECT_TRUE(PutAll());
  store_.reset();
  Corrupt(options_.directory + "/blobs", random);
  Open();
  EXPECT_EQ(CountRight(), 2 * kBlobs - 1);
  EXPECT_EQ(store_->Usage().corrupt_blobs, 1);
  EXPECT_TRUE(PutAll());
  EXPECT_EQ(CountRight(), 2 * kBlobs);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LocalStoreCorruptionTest, testing::Range(0u, 16u));

}  // namespace
}  // namespace smelt
