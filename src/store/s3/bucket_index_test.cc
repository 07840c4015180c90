#include "src/store/s3/bucket_index.h"

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/s3/bucket_format.h"
#include "src/testing/fake_clock.h"
#include "src/testing/peak_memory.h"

namespace smelt {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kMiB = 1 << 20;

class BucketIndexTest : public testing::Test {
 protected:
  static std::string Name(std::int64_t number) { return "blob " + std::to_string(number); }

  // A pack of `payloads` blobs, numbered from `first`, sealed `age_seconds` ago.
  bucket::v1::Pack PackOf(std::int64_t first, int payloads, std::int64_t age_seconds) {
    bucket::v1::Pack pack;
    pack.set_sealed_ns(clock_.NowNanos() - age_seconds * kSecond);
    pack.set_key(PackKey(pack.sealed_ns(), "writer-" + std::to_string(first)));
    pack.set_size(payloads * 10 + 1);
    for (int i = 0; i < payloads; ++i) {
      const Digest name = DigestOf(Name(first + i));
      bucket::v1::Payload& payload = *pack.add_payloads();
      payload.set_hash(std::string(reinterpret_cast<const char*>(name.hash.data()), name.hash.size()));
      payload.set_size(name.size);
      payload.set_offset(10 * i);
      payload.set_stored_size(10);
    }
    return pack;
  }

  static bucket::v1::Mark MarkOf(const std::string& key, std::int64_t used_ns, std::int64_t condemned_ns) {
    bucket::v1::Mark mark;
    mark.set_key(key);
    mark.set_used_ns(used_ns);
    mark.set_condemned_ns(condemned_ns);
    return mark;
  }

  bool Holds(BucketIndex& index, std::int64_t number) { return index.Find(DigestOf(Name(number)), 0).has_value(); }

  std::int64_t CountOf(BucketIndex& index, std::int64_t first, std::int64_t count) {
    std::int64_t held = 0;
    for (std::int64_t i = first; i < first + count; ++i) held += Holds(index, i) ? 1 : 0;
    return held;
  }

  FakeClock clock_;
};

TEST_F(BucketIndexTest, TakesNoMoreMemoryThanItMay) {
  const PeakMemory memory;
  BucketIndex index(clock_, 16 * kMiB);
  constexpr int kPacks = 3000;
  for (int i = 0; i < kPacks; ++i) {
    index.Add(PackOf(i * 400, 400, kPacks - i));
    ASSERT_LE(index.GetUsage().bytes, 16 * kMiB);
  }
  EXPECT_LT(memory.Grown(), 24 * kMiB);  // all of them: 110 MiB
  const BucketIndex::Usage usage = index.GetUsage();
  EXPECT_GT(usage.payloads, 120'000);
  EXPECT_EQ(usage.payloads + usage.left_out, kPacks * 400);
  EXPECT_EQ(CountOf(index, (kPacks - 100) * 400, 100 * 400), 100 * 400) << "the newest are there";
  EXPECT_EQ(CountOf(index, 0, 40'000), 0) << "and the oldest are not";
}

TEST_F(BucketIndexTest, WhereTheNewestComeFirstTheyStay) {
  BucketIndex index(clock_, 8 * kMiB);
  for (int i = 0; i < 1000; ++i) index.Add(PackOf(i * 400, 400, i));
  EXPECT_EQ(CountOf(index, 0, 40'000), 40'000);
  EXPECT_EQ(CountOf(index, 900 * 400, 40'000), 0);
}

TEST_F(BucketIndexTest, PacksOfOnePayloadAndMarksAreWithinTheBoundToo) {
  BucketIndex index(clock_, 8 * kMiB);
  const PeakMemory memory;
  for (int i = 0; i < 200'000; ++i) {
    index.Add(PackOf(i, 1, 200'000 - i));
    index.Add(MarkOf(PackKey(i, "elsewhere"), 0, clock_.NowNanos() - i));
    ASSERT_LE(index.GetUsage().bytes, 8 * kMiB);
  }
  EXPECT_LT(memory.Grown(), 16 * kMiB);
  EXPECT_EQ(CountOf(index, 199'000, 1000), 1000);
}

TEST_F(BucketIndexTest, WhatWasPutHereIsFoundHoweverMuchComes) {
  BucketIndex index(clock_, 4 * kMiB);
  for (int i = 0; i < 10; ++i) index.Add(PackOf(i * 100, 100, 60), BucketIndex::By::kUs);
  for (int i = 0; i < 2000; ++i) {
    bucket::v1::Pack pack = PackOf(10'000 + i * 400, 400, 0);
    pack.set_sealed_ns(std::int64_t{1} << 62);  // as new as can be
    index.Add(pack);
  }
  EXPECT_EQ(CountOf(index, 0, 1000), 1000);
  index.Add(PackOf(5'000'000, 100, 3600), BucketIndex::By::kUs);
  EXPECT_EQ(CountOf(index, 5'000'000, 100), 100);
}

TEST_F(BucketIndexTest, WhatWasFoundHereIsStillFound) {
  BucketIndex index(clock_, 4 * kMiB);
  index.Add(PackOf(0, 100, 86'400));
  ASSERT_TRUE(Holds(index, 7));
  for (int i = 0; i < 1000; ++i) index.Add(PackOf(1000 + i * 400, 400, 60));
  EXPECT_TRUE(Holds(index, 7));
  clock_.AdvanceSeconds(BucketIndex::kHeldSeconds + 1);
  for (int i = 0; i < 1000; ++i) index.Add(PackOf(1'000'000 + i * 400, 400, 60));
  EXPECT_FALSE(Holds(index, 7));
}

// Who stamps packs with times to come does not keep out for ever what others write later.
TEST_F(BucketIndexTest, WhatComesLaterIsTakenIn) {
  BucketIndex index(clock_, 4 * kMiB);
  for (int i = 0; i < 1000; ++i) {
    bucket::v1::Pack pack = PackOf(i * 400, 400, 0);
    pack.set_sealed_ns(std::int64_t{1} << 62);
    index.Add(pack);
  }
  clock_.AdvanceSeconds(60);
  index.Add(PackOf(1'000'000, 400, 30));
  EXPECT_EQ(CountOf(index, 1'000'000, 400), 400);
}

TEST_F(BucketIndexTest, WhatIsCondemnedStaysSo) {
  BucketIndex index(clock_, 4 * kMiB);
  const bucket::v1::Pack old = PackOf(0, 100, 86'400);
  index.Add(old);
  index.Add(MarkOf(old.key(), 0, clock_.NowNanos()));
  for (int i = 0; i < 500; ++i) index.Add(PackOf(1000 + i * 400, 400, 60));
  index.Add(old);
  EXPECT_FALSE(Holds(index, 7));
  const auto other = index.Find(DigestOf(Name(1000 + 499 * 400)), clock_.NowNanos());
  ASSERT_TRUE(other.has_value());
  EXPECT_TRUE(other->stays);
}

// Marks alone fill the memory: then nobody knows what else was condemned.
TEST_F(BucketIndexTest, WhereMarksAreLeftOutNothingOldIsPromised) {
  BucketIndex index(clock_, 4 * kMiB);
  index.Add(PackOf(0, 1, 60));
  for (int i = 0; i < 50'000; ++i) index.Add(MarkOf(PackKey(i, "elsewhere"), 0, 1 + i));
  const auto place = index.Find(DigestOf(Name(0)), clock_.NowNanos());
  ASSERT_TRUE(place.has_value());
  EXPECT_FALSE(place->stays);
  EXPECT_TRUE(index.Find(DigestOf(Name(0)), clock_.NowNanos() - 120 * kSecond)->stays);
}

}  // namespace
}  // namespace smelt
