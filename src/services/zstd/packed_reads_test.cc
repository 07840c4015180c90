#include "src/services/zstd/packed_reads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/services/zstd/zstd_codec.h"
#include "src/store/memory/memory_blob_store.h"
#include "src/store/read_through.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// A far store that counts what it is asked.
class FarStore : public MemoryBlobStore, public PackedBlobs {
 public:
  absl::StatusOr<Bytes> Get(const Digest& digest) override {
    ++gets;
    return MemoryBlobStore::Get(digest);
  }

  absl::Status ReadPacked(const Digest& digest, const PackedSink& sink) override {
    ++packed_gets;
    const auto found = packed.find(digest);
    if (found == packed.end()) return absl::NotFoundError("not packed");
    const std::string_view frames = found->second;
    sink.begin(std::ssize(frames));
    RETURN_IF_ERROR(sink.add(frames.substr(0, 10)));
    sink.begin(std::ssize(frames));  // the connection was lost
    RETURN_IF_ERROR(sink.add(frames.substr(0, 20)));
    return sink.add(frames.substr(std::min<std::size_t>(20, frames.size())));
  }

  std::map<Digest, std::string> packed;
  int gets = 0, packed_gets = 0;
};

class PackedReadsTest : public testing::Test {
 protected:
  void Start(milliseconds quiet, milliseconds longest) {
    reads_ = std::make_unique<PackedReads>(near_, far_, both_, forms_,
                                           PackedReads::Options{directory_.path(), quiet, longest});
  }

  // A blob that only the far store has.
  Digest PutFar(const std::string& blob) {
    const Digest digest = DigestOf(blob);
    EXPECT_OK(far_.Put(digest, Bytes(blob)));
    far_.packed[digest] = CompressZstd(blob);
    return digest;
  }

  std::string Read(const Digest& blob) {
    auto frames = reads_->Find(blob);
    if (!frames) return "";
    return frames->Next(frames->left()).value_or("");
  }

  bool IsNear(const Digest& blob) { return near_.FindMissing({&blob, 1})->empty(); }

  TempDir directory_;
  ZstdForms forms_{directory_.path(), 8 << 20};
  MemoryBlobStore near_;
  FarStore far_;
  ReadThroughBlobStore both_{near_, near_, far_};
  std::unique_ptr<PackedReads> reads_;
  const std::string blob_ = std::string(3'000'000, 'a');
};

TEST_F(PackedReadsTest, PassesOnWhatTheFarStoreHasAndTakesItInLater) {
  Start(milliseconds(0), hours(1));
  const Digest digest = PutFar(blob_);
  EXPECT_EQ(Read(digest), CompressZstd(blob_));
  reads_->Await();
  EXPECT_THAT(near_.Get(digest)->ReadAll(), IsOkAndHolds(blob_));
  EXPECT_TRUE(forms_.Find(digest)) << "it is known now to hold the blob";
  EXPECT_EQ(far_.gets, 0);
}

TEST_F(PackedReadsTest, ReadsInARowAreOneOfTheFarStore) {
  Start(hours(1), hours(1));
  const Digest digest = PutFar(blob_);
  EXPECT_EQ(Read(digest), CompressZstd(blob_));
  EXPECT_EQ(Read(digest), CompressZstd(blob_));
  EXPECT_EQ(far_.packed_gets, 1);
  EXPECT_FALSE(IsNear(digest));
  EXPECT_FALSE(forms_.Find(digest)) << "nobody has looked at it";
}

TEST_F(PackedReadsTest, ABlobIsTakenInWhileReadsGoOn) {
  Start(hours(1), milliseconds(0));
  const Digest digest = PutFar(blob_);
  Read(digest);
  reads_->Await();
  EXPECT_TRUE(IsNear(digest));
}

TEST_F(PackedReadsTest, WhatIsNearSmallOrNotPackedIsReadLikeAnyOther) {
  Start(milliseconds(0), hours(1));
  const std::string small(1000, 's'), plain(100'000, 'p');
  const Digest near = PutFar(blob_), little = PutFar(small);
  ASSERT_OK(near_.Put(near, Bytes(blob_)));
  ASSERT_OK(far_.Put(DigestOf(plain), Bytes(plain)));
  EXPECT_FALSE(reads_->Find(near));
  EXPECT_FALSE(reads_->Find(little));
  EXPECT_EQ(far_.packed_gets, 0);
  EXPECT_FALSE(reads_->Find(DigestOf(plain)));
  EXPECT_FALSE(reads_->Find(DigestOf(std::string(100'000, 'q'))));
}

TEST_F(PackedReadsTest, FramesThatDoNotHoldTheBlobAreNotTakenIn) {
  Start(milliseconds(0), hours(1));
  const std::string frames = CompressZstd(blob_);
  const std::string kWrong[] = {CompressZstd(std::string(3'000'000, 'b')),
                                CompressZstd(blob_ + "a"),
                                CompressZstd(blob_.substr(1)),
                                frames.substr(0, frames.size() - 1),
                                "no zstd",
                                frames + "and more"};
  for (const std::string& wrong : kWrong) {
    SCOPED_TRACE(wrong.size());
    const Digest digest = PutFar(blob_);
    far_.packed[digest] = wrong;
    far_.gets = 0;
    EXPECT_EQ(Read(digest), wrong) << "its reader verifies it";
    reads_->Await();
    EXPECT_FALSE(forms_.FindAny(digest));
    EXPECT_EQ(far_.gets, 1) << "so that the far store looks at it";
    EXPECT_THAT(near_.Get(digest)->ReadAll(), IsOkAndHolds(blob_));
    near_.Forget(digest);
  }
}

TEST_F(PackedReadsTest, WhatTheDiskCannotTakeStaysFar) {
  const std::string large(6'000'000, 'a');
  const Digest digest = PutFar(large);
  PackedReads reads(near_, far_, both_, forms_, {directory_.path() + "/none", milliseconds(0), hours(1)});
  EXPECT_TRUE(reads.Find(digest));
  reads.Await();
  EXPECT_TRUE(forms_.FindAny(digest));
  EXPECT_FALSE(IsNear(digest));
  EXPECT_EQ(far_.gets, 0) << "nothing is wrong with it";
}

TEST_F(PackedReadsTest, WhatCannotBeKeptIsReadLikeAnyOther) {
  ZstdForms none(directory_.path(), 0);
  PackedReads reads(near_, far_, both_, none, {directory_.path()});
  EXPECT_FALSE(reads.Find(PutFar(blob_)));
  EXPECT_EQ(far_.packed_gets, 0);
}

}  // namespace
}  // namespace smelt
