#include "src/testing/s3/real_s3.h"

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "src/digest/hasher.h"
#include "src/store/s3/bucket_store.h"
#include "src/store/s3/curl_http.h"
#include "src/store/s3/object_store_contract_test.h"
#include "src/store/s3/s3_object_store.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

AwsCredentials Keys() { return {RealS3::kAccessKeyId, RealS3::kSecretAccessKey}; }

S3Options OptionsFor(const RealS3& server) {
  static std::atomic<int> buckets{0};
  S3Options options;
  options.bucket = "bucket" + std::to_string(buckets++);
  options.region = "us-east-1";
  options.endpoint = server.Endpoint();
  options.part_bytes = 5 << 20;
  options.key_prefix = "team";
  return options;
}

// Tries until the server listens.
absl::Status MakeBucket(S3Options options) {
  options.attempts_max = 200;
  options.breaker_open_ms = 1;
  options.first_pause_ms = options.pause_ms_max = 100;
  CurlHttp http;
  StaticCredentials credentials(Keys());
  S3Client client(options, http, &credentials, Clock::System());
  return client.Send({S3Operation::kPut, "PUT", ""}).status();
}

std::unique_ptr<S3ObjectStore> Open(const S3Options& options) {
  return std::make_unique<S3ObjectStore>(options, std::make_unique<CurlHttp>(),
                                         std::make_unique<StaticCredentials>(Keys()), Clock::System());
}

RealS3* Server(RealS3::Kind kind) {
  static const std::unique_ptr<RealS3> versitygw = RealS3::Start(RealS3::Kind::kVersityGw);
  static const std::unique_ptr<RealS3> minio = RealS3::Start(RealS3::Kind::kMinio);
  return kind == RealS3::Kind::kMinio ? minio.get() : versitygw.get();
}

MakeObjectStore On(RealS3::Kind kind) {
  return [kind]() -> std::shared_ptr<ObjectStore> {
    RealS3* server = Server(kind);
    if (server == nullptr) return nullptr;
    const S3Options options = OptionsFor(*server);
    EXPECT_OK(MakeBucket(options));
    return Open(options);
  };
}

INSTANTIATE_TEST_SUITE_P(VersityGw, ObjectStoreContractTest, testing::Values(On(RealS3::Kind::kVersityGw)));
INSTANTIATE_TEST_SUITE_P(Minio, ObjectStoreContractTest, testing::Values(On(RealS3::Kind::kMinio)));

class RealS3Test : public testing::TestWithParam<RealS3::Kind> {
 protected:
  void SetUp() override {
    if (Server(GetParam()) == nullptr) GTEST_SKIP() << "not installed";
    options_ = OptionsFor(*Server(GetParam()));
    ASSERT_OK(MakeBucket(options_));
  }

  S3Options options_;
};

TEST_P(RealS3Test, WrongSecretsAndBucketsAreNamed) {
  S3ObjectStore wrong(options_, std::make_unique<CurlHttp>(),
                      std::make_unique<StaticCredentials>(AwsCredentials{RealS3::kAccessKeyId, "wrong"}),
                      Clock::System());
  EXPECT_THAT(wrong.List("", ""), StatusIs(absl::StatusCode::kUnauthenticated));
  S3Options elsewhere = options_;
  elsewhere.bucket = "no-such-bucket";
  EXPECT_THAT(Open(elsewhere)->List("", ""),
              StatusIs(absl::StatusCode::kUnimplemented, testing::HasSubstr("create the bucket")));
}

TEST_P(RealS3Test, ListsInPages) {
  const auto store = Open(options_);
  for (int i = 0; i < 1100; ++i) ASSERT_OK(store->Put("p/" + std::to_string(10000 + i), Bytes("x")));
  ASSERT_OK_AND_ASSIGN(const auto listed, store->List("p/", "p/10009"));
  EXPECT_EQ(listed.size(), 1090u);
  std::vector<std::string> keys;
  for (const auto& object : listed) keys.push_back(object.key);
  ASSERT_OK(store->Delete(keys));
  ASSERT_OK_AND_ASSIGN(const auto left, store->List("p/", ""));
  EXPECT_EQ(left.size(), 10u);
}

TEST_P(RealS3Test, WhoStartsWithNothingFindsEverything) {
  const auto objects = Open(options_);
  BucketStore writer({}, *objects, Clock::System());
  std::mt19937 random(1);
  std::vector<std::string> blobs;
  for (int i = 0; i < 200; ++i) {
    std::string blob(1 + random() % (i % 20 == 0 ? 8'000'000 : 60'000), '\0');
    for (char& c : blob) c = static_cast<char>(random() % 50);
    ASSERT_OK(writer.Put(DigestOf(blob), Bytes(blob)));
    blobs.push_back(std::move(blob));
  }
  ASSERT_OK(writer.Flush());
  const auto other_objects = Open(options_);
  BucketStore reader({}, *other_objects, Clock::System());
  for (const std::string& blob : blobs) {
    const auto bytes = reader.Get(DigestOf(blob));
    ASSERT_OK(bytes);
    ASSERT_TRUE(*bytes->ReadAll() == blob);
  }
  EXPECT_LE(other_objects->counters().Of(S3Operation::kList).requests, 2);
  EXPECT_LE(other_objects->counters().Of(S3Operation::kGet).requests, 40);
}

INSTANTIATE_TEST_SUITE_P(Servers, RealS3Test, testing::Values(RealS3::Kind::kVersityGw, RealS3::Kind::kMinio),
                         [](const auto& test) { return test.param == RealS3::Kind::kMinio ? "Minio" : "VersityGw"; });

}  // namespace
}  // namespace smelt
