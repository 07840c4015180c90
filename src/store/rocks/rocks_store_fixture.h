#ifndef SMELT_STORE_ROCKS_ROCKS_STORE_FIXTURE_H_
#define SMELT_STORE_ROCKS_ROCKS_STORE_FIXTURE_H_

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/rocks/rocks_store.h"
#include "src/testing/fake_clock.h"
#include "src/testing/faulty_file_system.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {

// A store in a directory of its own, on a clock that stands still, with an outbox only if a test asks for one.
class RocksStoreFixture : public testing::Test {
 protected:
  // Bytes: one size for each place.
  static constexpr std::int64_t kTree = 1'000, kBlobDb = 10'000, kFile = 100'000;
  static constexpr std::int64_t kHour = 3600;

  RocksStoreFixture() {
    options_.directory = dir_ / "store";
    options_.free_bytes_min = 0;
    options_.lsm_bytes_max = 4'096;
    options_.blob_bytes_max = 65'536;
  }

  void Open() {
    OpenOnly();
    ASSERT_OK(store_->CatchUp());
  }

  // Leaves the rest to calls, or to the store's own thread.
  void OpenOnly() {
    store_.reset();
    auto opened = RocksStore::Open(options_, files_, clock_);
    ASSERT_OK(opened);
    store_ = *std::move(opened);
  }

  static std::string Contents(std::int64_t size, unsigned seed = 1) {
    std::mt19937 random(seed);
    std::string contents(static_cast<std::size_t>(size), '\0');
    for (char& c : contents) c = static_cast<char>(random());
    return contents;
  }

  static ActionCache::ActionResult Result(const std::string& text) {
    ActionCache::ActionResult result;
    result.set_stdout_raw(text);
    return result;
  }

  absl::Status TryPut(const std::string& contents) { return store_->blobs().Put(DigestOf(contents), Bytes(contents)); }
  Digest Put(const std::string& contents) {
    EXPECT_OK(TryPut(contents));
    return DigestOf(contents);
  }
  bool Has(const Digest& digest) { return store_->blobs().FindMissing({digest})->empty(); }
  absl::StatusOr<std::string> Get(const Digest& digest) {
    auto bytes = store_->blobs().Get(digest);
    if (!bytes.ok()) return bytes.status();
    return bytes->ReadAll();
  }

  TempDir dir_;
  FakeClock clock_;
  FaultyFileSystem files_;
  RocksStoreOptions options_;
  std::unique_ptr<RocksStore> store_;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_STORE_FIXTURE_H_
