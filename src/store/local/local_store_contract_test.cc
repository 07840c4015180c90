#include <memory>

#include "src/store/action_cache_contract_test.h"
#include "src/store/blob_store_contract_test.h"
#include "src/store/local/local_store.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

struct OpenStore {
  explicit OpenStore(std::int64_t inline_bytes_max = LocalStoreOptions().inline_bytes_max) {
    auto opened = LocalStore::Open({.directory = dir / "store", .inline_bytes_max = inline_bytes_max},
                                   FileSystem::System(), Clock::System());
    EXPECT_OK(opened);
    store = *std::move(opened);
  }

  TempDir dir;
  std::unique_ptr<LocalStore> store;
};

template <std::int64_t kInlineBytesMax>
std::shared_ptr<BlobStore> MakeStore() {
  auto open = std::make_shared<OpenStore>(kInlineBytesMax);
  return {open, &open->store->blobs()};
}

std::shared_ptr<ActionCache> MakeCache() {
  auto open = std::make_shared<OpenStore>();
  return {open, &open->store->actions()};
}

INSTANTIATE_TEST_SUITE_P(Local, BlobStoreContractTest, testing::Values(MakeStore<(16 << 10)>));
INSTANTIATE_TEST_SUITE_P(LocalAllInline, BlobStoreContractTest, testing::Values(MakeStore<(1LL << 30)>));
INSTANTIATE_TEST_SUITE_P(LocalAllFiles, BlobStoreContractTest, testing::Values(MakeStore<0>));
INSTANTIATE_TEST_SUITE_P(Local, ActionCacheContractTest, testing::Values(MakeCache));

}  // namespace
}  // namespace smelt
