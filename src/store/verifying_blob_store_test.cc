#include "src/store/verifying_blob_store.h"

#include "src/store/blob_store_contract_test.h"
#include "src/store/memory/memory_blob_store.h"

namespace smelt {
namespace {

struct Wrapped {
  MemoryBlobStore target;
  VerifyingBlobStore store{target};
};

std::shared_ptr<BlobStore> MakeStore() {
  auto wrapped = std::make_shared<Wrapped>();
  return {wrapped, &wrapped->store};
}

INSTANTIATE_TEST_SUITE_P(Verifying, BlobStoreContractTest, testing::Values(MakeStore));

TEST(VerifyingBlobStoreTest, BytesThatAreNotTheDigestsAreDataLoss) {
  Wrapped wrapped;
  const Digest digest = DigestOf("good");
  wrapped.target.CorruptForTest(digest, Bytes("evil"));
  EXPECT_THAT(wrapped.store.Get(digest), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(VerifyingBlobStoreTest, PuttingTheGoodBlobHeals) {
  Wrapped wrapped;
  const Digest digest = DigestOf("good");
  wrapped.target.CorruptForTest(digest, Bytes("evil"));
  ASSERT_OK(wrapped.store.Put(digest, Bytes("good")));
  EXPECT_EQ(*wrapped.store.Get(digest)->ReadAll(), "good");
}

// A store that takes everything.
class CredulousBlobStore : public MemoryBlobStore {
 public:
  absl::Status Put(const Digest& digest, Bytes bytes) override {
    CorruptForTest(digest, bytes);
    return absl::OkStatus();
  }
};

TEST(VerifyingBlobStoreTest, LetsNothingWrongIn) {
  CredulousBlobStore target;
  VerifyingBlobStore store(target);
  EXPECT_THAT(store.Put(DigestOf("good"), Bytes("evil")), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(target.Get(DigestOf("good")), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace smelt
