#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "src/store/action_cache_contract_test.h"
#include "src/store/blob_store_contract_test.h"
#include "src/store/rocks/rocks_store.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

struct OpenStore {
  OpenStore(std::int64_t lsm_bytes_max, std::int64_t blob_bytes_max, bool outbox) {
    auto opened = RocksStore::Open({.directory = dir / "store",
                                    .free_bytes_min = 0,
                                    .lsm_bytes_max = lsm_bytes_max,
                                    .blob_bytes_max = blob_bytes_max,
                                    .outbox = outbox},
                                   FileSystem::System(), Clock::System());
    EXPECT_OK(opened);
    store = *std::move(opened);
  }

  TempDir dir;
  std::unique_ptr<RocksStore> store;
};

constexpr std::int64_t kEverything = 1LL << 30;

template <std::int64_t kTree, std::int64_t kBlobDb, bool kOutbox = false>
std::shared_ptr<BlobStore> MakeStore() {
  auto open = std::make_shared<OpenStore>(kTree, kBlobDb, kOutbox);
  return {open, &open->store->blobs()};
}

std::shared_ptr<ActionCache> MakeCache() {
  auto open = std::make_shared<OpenStore>(4096, 65536, false);
  const std::shared_ptr<ActionCache> cache = open->store->actions().Of("main");
  struct Both {
    std::shared_ptr<OpenStore> open;
    std::shared_ptr<ActionCache> cache;
  };
  auto both = std::make_shared<Both>(Both{open, cache});
  return {both, both->cache.get()};
}

INSTANTIATE_TEST_SUITE_P(Rocks, BlobStoreContractTest, testing::Values(MakeStore<4096, 65536>));
INSTANTIATE_TEST_SUITE_P(RocksWithOutbox, BlobStoreContractTest, testing::Values(MakeStore<4096, 65536, true>));
INSTANTIATE_TEST_SUITE_P(RocksAllInTree, BlobStoreContractTest, testing::Values(MakeStore<kEverything, kEverything>));
INSTANTIATE_TEST_SUITE_P(RocksAllInBlobDb, BlobStoreContractTest, testing::Values(MakeStore<0, kEverything>));
INSTANTIATE_TEST_SUITE_P(RocksAllFiles, BlobStoreContractTest, testing::Values(MakeStore<0, 0>));
INSTANTIATE_TEST_SUITE_P(Rocks, ActionCacheContractTest, testing::Values(MakeCache));

}  // namespace
}  // namespace smelt
