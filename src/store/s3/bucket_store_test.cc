#include "src/store/s3/bucket_store.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/store/action_cache_contract_test.h"
#include "src/store/blob_store_contract_test.h"
#include "src/store/memory/memory_object_store.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/zstd.h"
#include "src/testing/fake_clock.h"
#include "src/testing/peak_memory.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Nothing happens by itself: no pack is sealed before it is full or flushed, and misses always look.
BucketStoreOptions Still() {
  BucketStoreOptions options;
  options.seal_after_ms = 3'600'000;
  options.retry_ms = 3'600'000;
  options.refresh_on_miss_ms = 0;
  return options;
}

struct Whole {
  MemoryObjectStore objects;
  BucketStore store{{}, objects, Clock::System()};
};

INSTANTIATE_TEST_SUITE_P(BucketStore, BlobStoreContractTest, testing::Values([]() -> std::shared_ptr<BlobStore> {
                           auto whole = std::make_shared<Whole>();
                           return {whole, &whole->store};
                         }));

INSTANTIATE_TEST_SUITE_P(BucketStore, ActionCacheContractTest, testing::Values([]() -> std::shared_ptr<ActionCache> {
                           auto whole = std::make_shared<Whole>();
                           const std::shared_ptr<ActionCache> cache = whole->store.Of("");
                           struct Both {
                             std::shared_ptr<Whole> whole;
                             std::shared_ptr<ActionCache> cache;
                           };
                           auto both = std::make_shared<Both>(Both{whole, cache});
                           return {both, both->cache.get()};
                         }));

std::string Noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

class BucketStoreTest : public testing::Test {
 protected:
  std::unique_ptr<BucketStore> Open(BucketStoreOptions options = Still()) {
    return std::make_unique<BucketStore>(options, objects_, clock_);
  }

  static void Put(BucketStore& store, const std::string& contents) {
    ASSERT_OK(store.Put(DigestOf(contents), Bytes(contents)));
  }

  static absl::StatusOr<std::string> ReadPacked(BucketStore& store, const std::string& contents) {
    std::string frames;
    const auto begin = [&](std::int64_t) { frames.clear(); };
    const auto add = [&](std::string_view piece) { return frames += piece, absl::OkStatus(); };
    RETURN_IF_ERROR(store.ReadPacked(DigestOf(contents), {begin, add}));
    return frames;
  }

  static void ExpectHolds(BucketStore& store, const std::string& contents) {
    const auto bytes = store.Get(DigestOf(contents));
    ASSERT_OK(bytes);
    EXPECT_TRUE(*bytes->ReadAll() == contents);
  }

  FakeClock clock_;
  MemoryObjectStore objects_{clock_};
};

TEST_F(BucketStoreTest, SmallBlobsAreOneObjectAndOneIndex) {
  auto store = Open();
  for (int i = 0; i < 100; ++i) Put(*store, "blob " + std::to_string(i));
  EXPECT_THAT(objects_.Keys(), IsEmpty());
  ASSERT_OK(store->Flush());
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(1));
  EXPECT_THAT(objects_.Keys("v1/index/"), SizeIs(1));
  EXPECT_THAT(objects_.Keys(), SizeIs(2));
}

TEST_F(BucketStoreTest, LargeBlobsAreObjectsOfTheirOwn) {
  auto store = Open();
  const std::string large = Noise((1 << 20) + 1, 1);
  Put(*store, large);
  EXPECT_THAT(objects_.Keys("v1/blobs/"), ElementsAre(HasSubstr(DigestOf(large).Hex() + "-1048577.")));
  ASSERT_OK(store->Flush());
  ExpectHolds(*Open(), large);
}

TEST_F(BucketStoreTest, ManyLargeBlobsAreNamedByOneIndex) {
  auto store = Open();
  for (unsigned i = 0; i < 5; ++i) Put(*store, Noise((1 << 20) + 1, i));
  ASSERT_OK(store->Flush());
  EXPECT_THAT(objects_.Keys("v1/blobs/"), SizeIs(5));
  EXPECT_THAT(objects_.Keys("v1/index/"), SizeIs(1));
}

TEST_F(BucketStoreTest, WhoStartsWithNothingFindsEverything) {
  auto writer = Open();
  std::vector<std::string> blobs;
  for (unsigned i = 0; i < 24; ++i) blobs.push_back(Noise(i * 60000, i));
  for (const std::string& blob : blobs) Put(*writer, blob);
  ActionCache::ActionResult result;
  result.set_exit_code(3);
  ASSERT_OK(writer->Of("main")->Put(DigestOf("action"), result));
  ASSERT_OK(writer->Flush());

  auto reader = Open();
  std::vector<Digest> digests;
  for (const std::string& blob : blobs) digests.push_back(DigestOf(blob));
  digests.push_back(DigestOf("absent"));
  EXPECT_THAT(reader->FindMissing(digests), IsOkAndHolds(ElementsAre(DigestOf("absent"))));
  for (const std::string& blob : blobs) ExpectHolds(*reader, blob);
  ASSERT_OK_AND_ASSIGN(const auto got, reader->Of("main")->Get(DigestOf("action")));
  EXPECT_EQ(got.exit_code(), 3);
  EXPECT_THAT(reader->Of("other")->Get(DigestOf("action")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(BucketStoreTest, ExistenceAsksForTheIndexOnly) {
  auto writer = Open();
  std::vector<Digest> digests;
  for (int i = 0; i < 1000; ++i) {
    Put(*writer, std::to_string(i));
    digests.push_back(DigestOf(std::to_string(i)));
  }
  ASSERT_OK(writer->Flush());
  auto reader = Open();
  for (int i = 0; i < 10; ++i) EXPECT_THAT(reader->FindMissing(digests), IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(objects_.Count("list"), 1 + 1);  // the writer's, before its first Put, and the reader's
  EXPECT_EQ(objects_.Count("get"), 1);
}

TEST_F(BucketStoreTest, WhatComesLaterIsFoundByAMiss) {
  auto writer = Open();
  auto reader = Open();
  EXPECT_THAT(reader->FindMissing({DigestOf("a")}), IsOkAndHolds(SizeIs(1)));
  Put(*writer, "a");
  ASSERT_OK(writer->Flush());
  EXPECT_THAT(reader->FindMissing({DigestOf("a")}), IsOkAndHolds(IsEmpty()));
  Put(*writer, "b");
  ASSERT_OK(writer->Flush());
  ExpectHolds(*reader, "b");
}

TEST_F(BucketStoreTest, AMissDoesNotAskAgainAtOnce) {
  BucketStoreOptions options = Still();
  options.refresh_on_miss_ms = 3000;
  auto reader = Open(options);
  for (int i = 0; i < 100; ++i) EXPECT_THAT(reader->Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(objects_.Count("list"), 1);
  clock_.AdvanceSeconds(3);
  EXPECT_THAT(reader->Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(objects_.Count("list"), 2);
}

TEST_F(BucketStoreTest, ReadsOfOnePackAreFewRequests) {
  auto writer = Open();
  std::vector<std::string> blobs;
  for (unsigned i = 0; i < 200; ++i) blobs.push_back(Noise(30000, i));
  for (const std::string& blob : blobs) Put(*writer, blob);
  ASSERT_OK(writer->Flush());
  auto reader = Open();
  for (const std::string& blob : blobs) ExpectHolds(*reader, blob);
  EXPECT_LE(objects_.Count("get"), 6);  // the index, and some of the pack of 6 MB
}

TEST_F(BucketStoreTest, TheReadCacheIsBounded) {
  BucketStoreOptions options = Still();
  options.read_cache_bytes = 1 << 20;
  auto writer = Open();
  std::vector<std::string> blobs;
  for (unsigned i = 0; i < 100; ++i) blobs.push_back(Noise(100000, i));
  for (const std::string& blob : blobs) Put(*writer, blob);
  ASSERT_OK(writer->Flush());
  auto reader = Open(options);
  for (int round = 0; round < 2; ++round) {
    for (const std::string& blob : blobs) ExpectHolds(*reader, blob);
  }
  EXPECT_GT(objects_.Count("get"), 4);
}

TEST_F(BucketStoreTest, WhatTheBucketHasIsNotSentAgain) {
  auto writer = Open();
  Put(*writer, "a");
  ASSERT_OK(writer->Flush());
  auto other = Open();
  Put(*other, "a");
  ASSERT_OK(other->Flush());
  EXPECT_THAT(objects_.Keys("v1/packs/"), SizeIs(1));
}

TEST_F(BucketStoreTest, TheLastResultIsTheOne) {
  auto first = Open();
  auto second = Open();
  ActionCache::ActionResult result;
  for (int i = 0; i < 6; ++i) {
    result.set_exit_code(i);
    BucketStore& store = i % 2 == 0 ? *first : *second;
    ASSERT_OK(store.Refresh());
    ASSERT_OK(store.Of("")->Put(DigestOf("action"), result));
    clock_.AdvanceSeconds(i % 3 - 1);  // as if the writers' clocks differed
    ASSERT_OK(store.Flush());
  }
  auto reader = Open();
  ASSERT_OK_AND_ASSIGN(const auto got, reader->Of("")->Get(DigestOf("action")));
  EXPECT_EQ(got.exit_code(), 5);
}

TEST_F(BucketStoreTest, ADamagedBlobIsForgottenAndHealedForEverybody) {
  auto writer = Open();
  const std::string small = Noise(5000, 1), large = Noise(2 << 20, 2);
  Put(*writer, small);
  Put(*writer, large);
  ASSERT_OK(writer->Flush());
  for (const char* prefix : {"v1/packs/", "v1/blobs/"}) {
    objects_.Change(objects_.Keys(prefix)[0], [](std::string& contents) { contents[100] ^= 1; });
  }
  auto reader = Open();
  for (const std::string& blob : {small, large}) {
    EXPECT_THAT(reader->Get(DigestOf(blob)), StatusIs(absl::StatusCode::kDataLoss));
    EXPECT_THAT(reader->FindMissing({DigestOf(blob)}), IsOkAndHolds(SizeIs(1)));
    Put(*reader, blob);
    ExpectHolds(*reader, blob);
  }
  EXPECT_EQ(reader->GetStatistics().corrupt, 2);
  ASSERT_OK(reader->Flush());
  auto fresh = Open();
  for (const std::string& blob : {small, large}) ExpectHolds(*fresh, blob);
}

TEST_F(BucketStoreTest, APayloadMayBeLargerThanWhatIsReadAhead) {
  BucketStoreOptions options = Still();
  options.packed_bytes_max = options.pack_bytes = 16 << 20;
  auto writer = Open(options);
  const std::string large = Noise(PackReader::kAheadBytes + 3 * PackReader::kBlockBytes, 1);
  for (const std::string& contents : {std::string("small"), large}) Put(*writer, contents);
  ASSERT_OK(writer->Flush());
  ASSERT_THAT(objects_.Keys("v1/packs/"), SizeIs(1));
  auto reader = Open();
  ExpectHolds(*reader, "small");
  ExpectHolds(*reader, large);
}

TEST_F(BucketStoreTest, ADamagedResultIsNone) {
  auto writer = Open();
  ASSERT_OK(writer->Of("")->Put(DigestOf("action"), {}));
  ASSERT_OK(writer->Flush());
  objects_.Change(objects_.Keys("v1/packs/")[0], [](std::string& contents) { contents.back() ^= 1; });
  EXPECT_THAT(Open()->Of("")->Get(DigestOf("action")), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(BucketStoreTest, APackThatIsGoneIsAMissForAllThatWasInIt) {
  auto writer = Open();
  Put(*writer, "a");
  Put(*writer, "b");
  ASSERT_OK(writer->Flush());
  ASSERT_OK(objects_.Delete(objects_.Keys("v1/packs/")));
  auto reader = Open();
  EXPECT_THAT(reader->Get(DigestOf("a")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(reader->FindMissing({DigestOf("a"), DigestOf("b")}), IsOkAndHolds(SizeIs(2)));
}

// So that whoever notices brings all of it back, and not each payload when somebody next asks for it.
TEST_F(BucketStoreTest, APackThatWasCutIsForgottenAsAWhole) {
  for (const std::size_t left : {0u, 3u}) {
    auto writer = Open();
    const std::string one = Noise(5000, 10 + left), other = Noise(5000, 20 + left);
    Put(*writer, one);
    Put(*writer, other);
    ASSERT_OK(writer->Flush());
    for (const std::string& key : objects_.Keys("v1/packs/")) {
      objects_.Change(key, [&](std::string& contents) { contents.resize(left); });
    }
    auto reader = Open();
    EXPECT_THAT(reader->Get(DigestOf(one)), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("shorter")));
    EXPECT_THAT(reader->FindMissing({DigestOf(one), DigestOf(other)}), IsOkAndHolds(SizeIs(2)));
  }
}

// What somebody who may write to the bucket says is the result of `action`.
void Forge(MemoryObjectStore& objects, const Digest& action, const std::string& result) {
  const Digest name = ResultName("", action);
  const std::string stored = ZstdCompress(SealResult(name, result), 1);
  bucket::v1::Index index;
  bucket::v1::Pack& pack = *index.add_packs();
  pack.set_key(PackKey(1, "forger"));
  pack.set_sealed_ns(1);
  pack.set_size(static_cast<std::int64_t>(stored.size()));
  bucket::v1::Payload& payload = *pack.add_payloads();
  payload.set_hash(std::string(reinterpret_cast<const char*>(name.hash.data()), name.hash.size()));
  payload.set_size(name.size);
  payload.set_stored_size(pack.size());
  payload.set_zstd(true);
  ASSERT_OK(objects.Put(pack.key(), Bytes(stored)));
  ASSERT_OK(objects.Put(IndexKey(1, "forger"), Bytes(EncodeIndex(index))));
}

std::string EmptyOutputFiles(std::int64_t bytes) {
  std::string result;
  while (static_cast<std::int64_t>(result.size()) < bytes) result.append("\x12\x00", 2);
  return result;
}

TEST_F(BucketStoreTest, AResultThatSaysNothingTakesNoMemory) {
  const Digest action = DigestOf("action");
  for (const std::int64_t bytes : {std::int64_t{64} << 20, reapi::kResultBytesMax}) {
    Forge(objects_, action, EmptyOutputFiles(bytes));
    auto store = Open();
    ASSERT_OK(store->Refresh());
    const PeakMemory memory;
    EXPECT_THAT(store->Of("")->Get(action), StatusIs(absl::StatusCode::kNotFound)) << bytes;
    EXPECT_LT(memory.Grown(), 32 << 20) << bytes;  // all of it parsed: 2.8 GB
  }
}

TEST_F(BucketStoreTest, WhatIsTakenAsAResultIsRead) {
  auto store = Open();
  ActionCache::ActionResult result;
  result.set_stdout_raw(Noise(reapi::kResultBytesMax - 5, 1));
  ASSERT_OK(store->Of("")->Put(DigestOf("action"), result));
  EXPECT_OK(store->Of("")->Get(DigestOf("action")));
  ASSERT_OK(store->Flush());
  EXPECT_OK(Open()->Of("")->Get(DigestOf("action")));
  result.mutable_stdout_raw()->push_back('x');
  EXPECT_THAT(store->Of("")->Put(DigestOf("action"), result),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("4000000 are allowed")));
  ASSERT_TRUE(result.ParseFromString(EmptyOutputFiles(2'000'000)));
  EXPECT_THAT(store->Of("")->Put(DigestOf("action"), result),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("fields")));
}

TEST_F(BucketStoreTest, ADamagedIndexIsLeftOut) {
  auto writer = Open();
  Put(*writer, "a");
  ASSERT_OK(writer->Flush());
  const std::string key = objects_.Keys("v1/index/")[0];
  Put(*writer, "b");
  ASSERT_OK(writer->Flush());
  objects_.Change(key, [](std::string& contents) { contents[20] ^= 1; });
  auto reader = Open();
  ExpectHolds(*reader, "b");
  EXPECT_THAT(reader->FindMissing({DigestOf("a"), DigestOf("b")}), IsOkAndHolds(ElementsAre(DigestOf("a"))));
  EXPECT_GT(reader->GetStatistics().damaged_indexes, 0);
}

TEST_F(BucketStoreTest, WhileTheBucketIsDownWhatIsInMemoryIsServed) {
  auto store = Open();
  Put(*store, "a");
  ASSERT_OK(store->Flush());
  objects_.SetFault([](const std::string&, const std::string&) { return absl::UnavailableError("down"); });
  Put(*store, "b");
  ExpectHolds(*store, "b");
  EXPECT_THAT(store->FindMissing({DigestOf("a"), DigestOf("b"), DigestOf("c")}),
              IsOkAndHolds(ElementsAre(DigestOf("c"))));
  EXPECT_THAT(store->Flush(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("down")));
  EXPECT_EQ(store->GetStatistics().pending, 1);
  EXPECT_THAT(Open()->FindMissing({DigestOf("a")}), StatusIs(absl::StatusCode::kUnavailable));
  objects_.SetFault({});
  ASSERT_OK(store->Flush());
  EXPECT_EQ(store->GetStatistics().pending, 0);
  ExpectHolds(*Open(), "b");
}

TEST_F(BucketStoreTest, AFullMemoryFailsInsteadOfWaitingWhileTheBucketIsDown) {
  BucketStoreOptions options = Still();
  options.pack_bytes = 100'000;
  options.pending_bytes_max = 500'000;
  auto store = Open(options);
  objects_.SetFault([](const std::string& operation, const std::string&) {
    return operation == "put" ? absl::UnavailableError("down") : absl::OkStatus();
  });
  absl::Status put;
  for (unsigned i = 0; i < 100 && put.ok(); ++i) {
    const std::string blob = Noise(20'000, i);
    put = store->Put(DigestOf(blob), Bytes(blob));
  }
  EXPECT_THAT(put, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("down")));
  EXPECT_LE(store->GetStatistics().pending_bytes, 540'000);
}

TEST_F(BucketStoreTest, ManyThreadsAndManyWritersAtOnce) {
  BucketStoreOptions options = Still();
  options.pack_bytes = 200'000;
  options.pending_bytes_max = 600'000;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      auto store = Open(options);
      for (unsigned i = 0; i < 100; ++i) {
        const std::string blob = Noise(1000 + i * 97, i % 50 + t * 25);
        EXPECT_OK(store->Put(DigestOf(blob), Bytes(blob)));
        ExpectHolds(*store, blob);
      }
      EXPECT_OK(store->Flush());
    });
  }
  for (std::thread& thread : threads) thread.join();
  auto reader = Open();
  for (unsigned t = 0; t < 4; ++t) {
    for (unsigned i = 0; i < 100; ++i) ExpectHolds(*reader, Noise(1000 + i * 97, i % 50 + t * 25));
  }
}

TEST_F(BucketStoreTest, BlobsAreReadAsTheyLie) {
  const std::string large(3 << 20, 'a'), noise = Noise(3 << 20, 9), small(100'000, 'a'), hiss = Noise(100'000, 8);
  BucketStoreOptions options = Still();
  std::string packed;
  options.on_packed = [&](const Digest& blob, const Bytes& frames) {
    EXPECT_EQ(blob, DigestOf(large));
    packed = *frames.ReadAll();
  };
  auto writer = Open(options);
  for (const std::string& contents : {large, noise, small, hiss}) Put(*writer, contents);
  ASSERT_OK(writer->Flush());
  EXPECT_THAT(ZstdDecompress(packed, 3 << 20), IsOkAndHolds(large));
  auto reader = Open();
  EXPECT_THAT(ReadPacked(*reader, large), IsOkAndHolds(packed));
  const auto frames = ReadPacked(*reader, small);
  ASSERT_OK(frames);
  EXPECT_THAT(ZstdDecompress(*frames, 100'000), IsOkAndHolds(small));
  for (const std::string& other : {noise, hiss, std::string("none")}) {
    EXPECT_THAT(ReadPacked(*reader, other), StatusIs(absl::StatusCode::kNotFound)) << other.size();
  }
  objects_.Change(objects_.Keys("v1/packs/").at(0), [](std::string& object) { object.resize(100); });
  EXPECT_THAT(ReadPacked(*Open(), small), StatusIs(absl::StatusCode::kDataLoss)) << "a pack that was cut";
  const std::string key = objects_.Keys("v1/blobs/" + DigestOf(large).ToString().substr(0, 2)).at(0);
  objects_.Change(key, [](std::string& object) { object += "x"; });
  EXPECT_THAT(ReadPacked(*reader, large), StatusIs(absl::StatusCode::kDataLoss)) << "more than its index says";
  objects_.Change(key, [](std::string& object) { object.resize(object.size() - 2); });
  EXPECT_THAT(ReadPacked(*reader, large), StatusIs(absl::StatusCode::kDataLoss)) << "less than its index says";
  ASSERT_OK(objects_.Delete({key}));
  EXPECT_THAT(ReadPacked(*reader, large), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(BucketStoreTest, ALargeBlobArrivesWithWhatIsToBeInIt) {
  const std::string large(3 << 20, 'a'), larger = Noise(9 << 20, 9), small(100'000, 'a');
  auto store = Open();
  for (const std::string& contents : {large, larger, small}) Put(*store, contents);
  const Insertion insertion = {1 << 20, Bytes("inserted")};
  for (std::string contents : {large, larger}) {
    const auto blob = store->GetObjectWith(DigestOf(contents), insertion);
    ASSERT_OK(blob);
    contents.insert(1 << 20, "inserted");
    EXPECT_TRUE(*blob->ReadAll() == contents);
    EXPECT_EQ(*DigestOf(*blob), DigestOf(contents));
  }
  EXPECT_THAT(store->GetObjectWith(DigestOf(small), insertion), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store->GetObjectWith(DigestOf(large), {4 << 20, Bytes("x")}), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(BucketStoreTest, ReadersOfOneLargeBlobShareOneDownload) {
  auto writer = Open();
  const std::string large = Noise(3 << 20, 9);
  Put(*writer, large);
  ASSERT_OK(writer->Flush());
  auto reader = Open();
  ASSERT_OK(reader->Refresh());
  std::atomic<int> inside{0}, most{0};
  objects_.SetFault([&](const std::string&, const std::string&) {
    most = std::max(most.load(), ++inside);
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
    --inside;
    return absl::OkStatus();
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { ExpectHolds(*reader, large); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace smelt
