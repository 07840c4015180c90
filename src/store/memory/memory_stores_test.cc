#include "src/store/action_cache_contract_test.h"
#include "src/store/blob_store_contract_test.h"
#include "src/store/memory/memory_action_cache.h"
#include "src/store/memory/memory_blob_store.h"

namespace smelt {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, BlobStoreContractTest,
                         testing::Values([] { return std::make_shared<MemoryBlobStore>(); }));
INSTANTIATE_TEST_SUITE_P(Memory, ActionCacheContractTest,
                         testing::Values([] { return std::make_shared<MemoryActionCache>(); }));

TEST(MemoryBlobStoreTest, AForgottenBlobIsMissingUntilItIsPutAgain) {
  MemoryBlobStore store;
  ASSERT_OK(store.Put(DigestOf("x"), Bytes("x")));
  store.Forget(DigestOf("x"));
  EXPECT_THAT(store.Get(DigestOf("x")), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(store.Put(DigestOf("x"), Bytes("x")));
  EXPECT_EQ(*store.Get(DigestOf("x"))->ReadAll(), "x");
}

}  // namespace
}  // namespace smelt
