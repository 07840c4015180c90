#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/s3/bucket_store.h"
#include "src/store/s3/curl_http.h"
#include "src/store/s3/s3_object_store.h"
#include "src/testing/s3/fake_s3.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

constexpr double kRate = 0.04;  // of each of eight faults
constexpr int kSteps = 60;

std::unique_ptr<S3ObjectStore> Open(FakeS3& fake) {
  const FakeS3Options defaults;
  S3Options options;
  options.bucket = defaults.bucket;
  options.region = defaults.region;
  options.endpoint = fake.Endpoint();
  options.part_bytes = 5 << 20;
  options.breaker_open_ms = 1;
  return std::make_unique<S3ObjectStore>(
      options, std::make_unique<CurlHttp>(),
      std::make_unique<StaticCredentials>(AwsCredentials{defaults.access_key_id, defaults.secret_access_key}),
      Clock::System(), [](std::int64_t) {});
}

BucketStoreOptions Options() {
  BucketStoreOptions options;
  options.pack_bytes = 64 << 10;
  options.packed_bytes_max = 48 << 10;
  options.retry_ms = 1;
  options.refresh_on_miss_ms = 0;
  return options;
}

std::string Contents(std::mt19937& random) {
  std::string contents(1 + random() % (random() % 8 == 0 ? 200'000 : 9'000), '\0');
  for (char& c : contents) c = static_cast<char>(random() % 97);
  return contents;
}

class ChaosTest : public testing::TestWithParam<unsigned> {
 protected:
  void Step(BucketStore& store) {
    switch (random_() % 4) {
      case 0:
      case 1: {
        const std::string contents = Contents(random_);
        const Digest digest = DigestOf(contents);
        if (store.Put(digest, Bytes(contents)).ok()) waiting_[&store][digest] = contents;
        break;
      }
      case 2:
        if (!acknowledged_.empty()) Check(store, *std::next(acknowledged_.begin(), random_() % acknowledged_.size()));
        break;
      default:
        if (store.Flush().ok()) acknowledged_.merge(waiting_[&store]);
    }
  }

  // While there is chaos a read may fail, but not lie.
  static void Check(BucketStore& store, const std::pair<const Digest, std::string>& blob) {
    const auto bytes = store.Get(blob.first);
    if (bytes.ok()) {
      ASSERT_TRUE(*bytes->ReadAll() == blob.second);
    }
  }

  std::mt19937 random_{GetParam()};
  std::map<BucketStore*, std::map<Digest, std::string>> waiting_;
  std::map<Digest, std::string> acknowledged_;
};

TEST_P(ChaosTest, NoByteIsWrongAndWhatWasAcknowledgedIsThere) {
  FakeS3 fake;
  fake.SetChaos(FakeS3::Chaos::Of(GetParam(), kRate));
  const auto objects = Open(fake), other_objects = Open(fake);
  BucketStore store(Options(), *objects, Clock::System()), other(Options(), *other_objects, Clock::System());
  for (int step = 0; step < kSteps; ++step) Step(step % 2 == 0 ? store : other);
  fake.EndChaos();
  for (BucketStore* each : {&store, &other}) {
    ASSERT_OK(each->Flush());
    acknowledged_.merge(waiting_[each]);
  }
  const auto fresh_objects = Open(fake);
  BucketStore fresh(Options(), *fresh_objects, Clock::System());
  for (const auto& [digest, contents] : acknowledged_) {
    const auto bytes = fresh.Get(digest);
    ASSERT_OK(bytes);
    ASSERT_TRUE(*bytes->ReadAll() == contents);
  }
  EXPECT_GT(acknowledged_.size(), 5u);
  EXPECT_EQ(fresh.GetStatistics().corrupt, 0);
  EXPECT_EQ(fake.UploadsInProgress(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ChaosTest, testing::Range(0u, 50u));

}  // namespace
}  // namespace smelt
