#ifndef SMELT_STORE_BLOB_STORE_CONTRACT_TEST_H_
#define SMELT_STORE_BLOB_STORE_CONTRACT_TEST_H_

#include <fcntl.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/file_system.h"
#include "src/digest/hasher.h"
#include "src/store/blob_store.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {

// What every BlobStore keeps to. The test of an implementation includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(MyBlobStore, BlobStoreContractTest, testing::Values([] { return ...; }));
//
// with a function that makes an empty store. The pointer may own more than the store (shared_ptr's aliasing).
using MakeBlobStore = std::function<std::shared_ptr<BlobStore>()>;

class BlobStoreContractTest : public testing::TestWithParam<MakeBlobStore> {
 protected:
  // On both sides of every border that a store may have between small and large.
  static std::vector<std::size_t> Sizes() { return {1, 100, 4096, 16383, 16384, 16385, 65537, (3 << 20) + 1}; }

  static std::string Contents(std::size_t size, unsigned seed = 1) {
    std::mt19937 random(seed + static_cast<unsigned>(size));
    std::string contents(size, '\0');
    for (char& c : contents) c = static_cast<char>(random());
    return contents;
  }

  Bytes File(const std::string& contents) {
    const std::string path = dir_ / std::to_string(files_++);
    EXPECT_OK(FileSystem::System().WriteNewFile(path, contents, 0644));
    return Bytes(*FileSystem::System().OpenForRead(path), static_cast<std::int64_t>(contents.size()));
  }

  void ExpectHolds(const std::string& contents) {
    const auto bytes = store_->Get(DigestOf(contents));
    ASSERT_OK(bytes);
    EXPECT_EQ(bytes->size(), static_cast<std::int64_t>(contents.size()));
    EXPECT_EQ(*bytes->ReadAll(), contents);
  }

  TempDir dir_;
  int files_ = 0;
  std::shared_ptr<BlobStore> store_ = GetParam()();
};

TEST_P(BlobStoreContractTest, AnAbsentBlobIsNotFound) {
  EXPECT_THAT(store_->Get(DigestOf("absent")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(BlobStoreContractTest, GetsWhatWasPutFromMemory) {
  for (std::size_t size : Sizes()) {
    const std::string contents = Contents(size);
    ASSERT_OK(store_->Put(DigestOf(contents), Bytes(contents)));
    ExpectHolds(contents);
  }
}

TEST_P(BlobStoreContractTest, GetsWhatWasPutFromAFile) {
  for (std::size_t size : Sizes()) {
    const std::string contents = Contents(size);
    ASSERT_OK(store_->Put(DigestOf(contents), File(contents)));
    ExpectHolds(contents);
  }
}

TEST_P(BlobStoreContractTest, ReadsParts) {
  for (std::size_t size : Sizes()) {
    const std::string contents = Contents(size);
    ASSERT_OK(store_->Put(DigestOf(contents), Bytes(contents)));
    ASSERT_OK_AND_ASSIGN(const Bytes bytes, store_->Get(DigestOf(contents)));
    EXPECT_EQ(*bytes.Read(static_cast<std::int64_t>(size) / 2, 7), contents.substr(size / 2, 7));
    EXPECT_EQ(*bytes.Read(static_cast<std::int64_t>(size), 7), "");
  }
}

TEST_P(BlobStoreContractTest, TheEmptyBlobAlwaysExists) {
  const Digest empty = DigestOf(std::string_view());
  ExpectHolds("");
  EXPECT_THAT(store_->FindMissing({empty}), IsOkAndHolds(testing::IsEmpty()));
  EXPECT_OK(store_->Put(empty, Bytes()));
  ExpectHolds("");
}

TEST_P(BlobStoreContractTest, RefusesBytesThatAreNotTheDigests) {
  for (std::size_t size : Sizes()) {
    const std::string contents = Contents(size);
    const Digest other = DigestOf(Contents(size, 2));
    EXPECT_THAT(store_->Put(other, Bytes(contents)), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(store_->Put(other, File(contents)), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(store_->Get(other), StatusIs(absl::StatusCode::kNotFound));
    Digest longer = DigestOf(contents);
    ++longer.size;
    EXPECT_THAT(store_->Put(longer, Bytes(contents)), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(store_->Get(longer), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(store_->FindMissing({other, longer}), IsOkAndHolds(testing::ElementsAre(other, longer)));
  }
}

TEST_P(BlobStoreContractTest, PuttingABlobAgainSucceeds) {
  for (std::size_t size : Sizes()) {
    const std::string contents = Contents(size);
    EXPECT_OK(store_->Put(DigestOf(contents), Bytes(contents)));
    EXPECT_OK(store_->Put(DigestOf(contents), File(contents)));
    ExpectHolds(contents);
  }
}

TEST_P(BlobStoreContractTest, BytesOutliveTheGet) {
  const std::string contents = Contents(100000);
  ASSERT_OK(store_->Put(DigestOf(contents), Bytes(contents)));
  ASSERT_OK_AND_ASSIGN(const Bytes first, store_->Get(DigestOf(contents)));
  const Bytes copy = first;
  ASSERT_OK(store_->Put(DigestOf("other"), Bytes("other")));
  EXPECT_EQ(*copy.ReadAll(), contents);
}

TEST_P(BlobStoreContractTest, FindsEachMissingBlobOnceInTheOrderGiven) {
  ASSERT_OK(store_->Put(DigestOf("here"), Bytes("here")));
  const std::string large = Contents(100000);
  ASSERT_OK(store_->Put(DigestOf(large), Bytes(large)));
  const Digest a = DigestOf("a"), b = DigestOf("b");
  EXPECT_THAT(store_->FindMissing({b, DigestOf("here"), a, b, DigestOf(large), a}),
              IsOkAndHolds(testing::ElementsAre(b, a)));
  EXPECT_THAT(store_->FindMissing({}), IsOkAndHolds(testing::IsEmpty()));
}

TEST_P(BlobStoreContractTest, ManyThreadsMayPutTheSameBlob) {
  for (std::size_t size : {std::size_t{1000}, std::size_t{200000}}) {
    const std::string contents = Contents(size);
    const Digest digest = DigestOf(contents);
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        EXPECT_OK(store_->Put(digest, Bytes(contents)));
        const auto bytes = store_->Get(digest);
        ASSERT_OK(bytes);
        EXPECT_EQ(*bytes->ReadAll(), contents);
      });
    }
    for (std::thread& thread : threads) thread.join();
    ExpectHolds(contents);
  }
}

TEST_P(BlobStoreContractTest, BehavesAsAMapUnderRandomUse) {
  std::map<Digest, std::string> model;
  std::mt19937 random(7);
  for (int step = 0; step < 400; ++step) {
    const std::string contents = Contents(1 + (random() % 4) * 12000, random() % 10);
    const Digest digest = DigestOf(contents);
    if (random() % 3 == 0) {
      ASSERT_OK(store_->Put(digest, random() % 2 == 0 ? Bytes(contents) : File(contents)));
      model[digest] = contents;
    } else if (model.contains(digest)) {
      ExpectHolds(contents);
      EXPECT_THAT(store_->FindMissing({digest}), IsOkAndHolds(testing::IsEmpty()));
    } else {
      EXPECT_THAT(store_->Get(digest), StatusIs(absl::StatusCode::kNotFound));
      EXPECT_THAT(store_->FindMissing({digest}), IsOkAndHolds(testing::ElementsAre(digest)));
    }
  }
}

}  // namespace smelt

#endif  // SMELT_STORE_BLOB_STORE_CONTRACT_TEST_H_
