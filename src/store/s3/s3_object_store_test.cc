#include "src/store/s3/s3_object_store.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/unique_fd.h"
#include "src/store/s3/curl_http.h"
#include "src/store/s3/object_store_contract_test.h"
#include "src/testing/fake_clock.h"
#include "src/testing/s3/fake_s3.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Bucket {
  explicit Bucket(FakeS3Options fake_options = {}, S3Options options = {}) : fake(fake_options) {
    options.bucket = fake_options.bucket;
    if (options.region.empty()) options.region = fake_options.region;
    if (options.endpoint.empty()) options.endpoint = fake.Endpoint();
    options.part_bytes = 5 << 20;
    std::unique_ptr<CredentialsSource> credentials;
    if (!fake_options.anonymous) {
      credentials = std::make_unique<StaticCredentials>(
          AwsCredentials{fake_options.access_key_id, fake_options.secret_access_key, fake_options.session_token});
    }
    store = std::make_unique<S3ObjectStore>(options, std::make_unique<CurlHttp>(), std::move(credentials),
                                            Clock::System(), [this](std::int64_t ms) { pauses.push_back(ms); });
  }

  FakeS3 fake;
  std::vector<std::int64_t> pauses;  // of a single thread's requests
  std::unique_ptr<S3ObjectStore> store;
};

MakeObjectStore OnFake(FakeS3Options fake_options, S3Options options = {}) {
  return [=]() -> std::shared_ptr<ObjectStore> {
    auto bucket = std::make_shared<Bucket>(fake_options, options);
    return {bucket, bucket->store.get()};
  };
}

FakeS3Options SmallPages() {
  FakeS3Options options;
  options.page_max = 2;
  options.session_token = "canary-token";
  return options;
}

FakeS3Options Anonymous() {
  FakeS3Options options;
  options.anonymous = true;
  return options;
}

S3Options WithPrefix() {
  S3Options options;
  options.key_prefix = "/team a//cache//";
  return options;
}

INSTANTIATE_TEST_SUITE_P(PathStyle, ObjectStoreContractTest, testing::Values(OnFake({})));
INSTANTIATE_TEST_SUITE_P(SmallPagesAndAToken, ObjectStoreContractTest, testing::Values(OnFake(SmallPages())));
INSTANTIATE_TEST_SUITE_P(NotSigned, ObjectStoreContractTest, testing::Values(OnFake(Anonymous())));
INSTANTIATE_TEST_SUITE_P(KeyPrefix, ObjectStoreContractTest, testing::Values(OnFake({}, WithPrefix())));

TEST(S3ObjectStore, ThePrefixIsBeforeEachKey) {
  Bucket bucket({}, WithPrefix());
  ASSERT_OK(bucket.store->Put("a", Bytes("x")));
  EXPECT_THAT(bucket.fake.Keys(), ElementsAre("team a/cache/a"));
}

TEST(S3ObjectStore, VirtualHostStyleHasTheBucketInTheHost) {
  FakeS3Options fake_options;
  fake_options.virtual_host_style = true;
  FakeS3 fake(fake_options);
  S3Options options;
  options.bucket = "bucket";
  options.region = "us-east-1";
  options.virtual_host_style = true;
  options.use_ssl = false;
  options.endpoint = "localhost" + fake.Address().substr(fake.Address().find(':'));
  S3ObjectStore store(
      options, std::make_unique<CurlHttp>(),
      std::make_unique<StaticCredentials>(AwsCredentials{fake_options.access_key_id, fake_options.secret_access_key}),
      Clock::System());
  ASSERT_OK(store.Put("a/b", Bytes("x")));
  EXPECT_THAT(fake.Requests(), ElementsAre("PUT /a/b"));
  ASSERT_OK_AND_ASSIGN(const auto listed, store.List("a/", ""));
  EXPECT_EQ(listed.size(), 1u);
}

TEST(S3ObjectStore, LargeObjectsGoUpInPartsAndNothingIsLeftOver) {
  Bucket bucket;
  ASSERT_OK(bucket.store->Put("large", Bytes(std::string(12 << 20, 'x'))));
  EXPECT_EQ(bucket.fake.Count("PUT"), 3u);
  EXPECT_EQ(bucket.fake.Count("POST"), 2u);
  EXPECT_EQ(bucket.fake.UploadsInProgress(), 0u);
  const S3Counters& counters = bucket.store->counters();
  EXPECT_EQ(counters.Of(S3Operation::kUploadPart).requests, 3);
  EXPECT_EQ(counters.Of(S3Operation::kUploadPart).bytes_sent, 12 << 20);
  EXPECT_EQ(counters.Of(S3Operation::kCompleteMultipart).requests, 1);
}

TEST(S3ObjectStore, AFailedUploadIsAborted) {
  FakeS3Options fake_options;
  fake_options.part_bytes_min = 8 << 20;  // so that it cannot be completed
  Bucket bucket(fake_options);
  EXPECT_THAT(bucket.store->Put("large", Bytes(std::string(12 << 20, 'x'))),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("EntityTooSmall")));
  EXPECT_EQ(bucket.fake.UploadsInProgress(), 0u);
  EXPECT_EQ(bucket.fake.Count("DELETE"), 1u);
}

TEST(S3ObjectStore, ServerSideEncryptionIsAskedFor) {
  FakeS3Options fake_options;
  fake_options.encryption = "aws:kms";
  S3Options options;
  options.encryption = S3Options::Encryption::kKms;
  options.kms_key_id = "arn:aws:kms:us-east-1:1:key/a";
  Bucket bucket(fake_options, options);
  EXPECT_OK(bucket.store->Put("a", Bytes("x")));
  EXPECT_OK(bucket.store->Put("large", Bytes(std::string(6 << 20, 'x'))));
}

struct Refused {
  const char* name;
  ServedAnswer answer;
  absl::StatusCode code;
  const char* says;
};

std::string ErrorXml(const std::string& code) { return "<Error><Code>" + code + "</Code></Error>"; }

class RefusedTest : public testing::TestWithParam<Refused> {};

TEST_P(RefusedTest, SaysWhatToMendAndDoesNotTryAgain) {
  Bucket bucket;
  bucket.fake.AnswerAll(GetParam().answer);
  EXPECT_THAT(bucket.store->Get("a", 0, -1), StatusIs(GetParam().code, HasSubstr(GetParam().says)));
  EXPECT_THAT(bucket.fake.Requests(), testing::SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(
    Answers, RefusedTest,
    testing::Values(
        Refused{"NoBucket", {404, {}, ErrorXml("NoSuchBucket")}, absl::StatusCode::kUnimplemented, "create the bucket"},
        Refused{"Denied", {403, {}, ErrorXml("AccessDenied")}, absl::StatusCode::kPermissionDenied, "credentials"},
        Refused{
            "BadSecret", {403, {}, ErrorXml("SignatureDoesNotMatch")}, absl::StatusCode::kUnauthenticated, "secret"},
        Refused{"Clock", {403, {}, ErrorXml("RequestTimeTooSkewed")}, absl::StatusCode::kUnauthenticated, "clock"},
        Refused{"Forbidden", {403, {}, ""}, absl::StatusCode::kPermissionDenied, "HTTP 403"},
        Refused{"Elsewhere", {301, {}, ErrorXml("PermanentRedirect")}, absl::StatusCode::kUnimplemented, "region"},
        Refused{
            "Region", {400, {}, ErrorXml("AuthorizationHeaderMalformed")}, absl::StatusCode::kUnimplemented, "region"},
        Refused{"Html", {404, {}, "<html><body>nginx</body></html>"}, absl::StatusCode::kNotFound, "HTTP 404"},
        Refused{"Unknown",
                {501, {}, ErrorXml("NotImplemented")},
                absl::StatusCode::kUnimplemented,
                "server_side_encryption"},
        Refused{"Full", {507, {}, ""}, absl::StatusCode::kResourceExhausted, "full"}),
    [](const auto& test) { return test.param.name; });

class PassingTest : public testing::TestWithParam<ServedAnswer> {};

TEST_P(PassingTest, IsTriedAgainWithPausesThatGrow) {
  Bucket bucket;
  bucket.fake.AnswerAll(GetParam());
  EXPECT_THAT(bucket.store->Get("a", 0, -1), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("bucket/a")));
  EXPECT_THAT(bucket.fake.Requests(), testing::SizeIs(6));
  ASSERT_THAT(bucket.pauses, testing::SizeIs(5));
  for (int i = 0; i < 5; ++i) {
    EXPECT_GE(bucket.pauses[i], 25 << i);
    EXPECT_LE(bucket.pauses[i], 50 << i);
  }
  EXPECT_EQ(bucket.store->counters().Of(S3Operation::kGet).retries, 5);
  EXPECT_EQ(bucket.store->counters().Of(S3Operation::kGet).failures, 6);
}

ServedAnswer Reset() {
  ServedAnswer answer;
  answer.reset = true;
  return answer;
}

ServedAnswer Cut() {
  ServedAnswer answer{200, {}, "0123456789"};
  answer.cut_after = 5;
  return answer;
}

INSTANTIATE_TEST_SUITE_P(Answers, PassingTest,
                         testing::Values(ServedAnswer{503, {}, ErrorXml("SlowDown")}, ServedAnswer{500, {}, ""},
                                         ServedAnswer{429, {}, ""}, ServedAnswer{400, {}, ErrorXml("RequestTimeout")},
                                         Reset(), Cut()));

TEST(S3ObjectStore, WaitsAsLongAsTheBucketSays) {
  Bucket bucket;
  bucket.fake.AnswerAll(ServedAnswer{503, {{"Retry-After", "7"}}, ""});
  EXPECT_THAT(bucket.store->Get("a", 0, -1), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(bucket.pauses, testing::Each(7000));
}

TEST(S3ObjectStore, ABucketThatIsDownIsNotAskedForAWhile) {
  Bucket bucket;
  bucket.fake.AnswerAll(Reset());
  for (int i = 0; i < 2; ++i) EXPECT_THAT(bucket.store->Get("a", 0, -1), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(bucket.store->counters().breaker_open);
  bucket.fake.ForgetRequests();
  EXPECT_THAT(bucket.store->Get("a", 0, -1), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not tried")));
  EXPECT_THAT(bucket.fake.Requests(), testing::IsEmpty());
  EXPECT_EQ(bucket.store->counters().refused_by_breaker, 1);
}

// A socket on 127.0.0.1 that takes connections, or not even these, and never answers.
class Silent {
 public:
  explicit Silent(bool listens) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    if (listens) ::listen(fd_.get(), 8);
    endpoint_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }

  const std::string& endpoint() const { return endpoint_; }

 private:
  UniqueFd fd_;
  std::string endpoint_;
};

TEST(S3ObjectStore, ABucketThatNobodyAnswersForCostsOneAttempt) {
  for (const bool listens : {true, false}) {
    Silent silent(listens);
    S3Options options;
    options.bucket = "bucket";
    options.endpoint = silent.endpoint();
    CurlHttpOptions http;
    http.quiet_timeout_s = 1;
    S3ObjectStore store(options, std::make_unique<CurlHttp>(http), nullptr, Clock::System());
    EXPECT_THAT(store.Get("a", 0, -1), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not tried")));
    EXPECT_THAT(store.List("", ""), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("127.0.0.1")));
    EXPECT_EQ(store.counters().Of(S3Operation::kGet).requests, 1);
    EXPECT_EQ(store.counters().Of(S3Operation::kList).requests, 0);
  }
}

TEST(S3ObjectStore, AListThatWasDamagedIsAskedForAgain) {
  Bucket bucket;
  for (const char* xml : {"", "<ListBucketResult>", "<html/>", "<ListBucketResult></ListBucketResult>"}) {
    bucket.fake.AnswerAll(ServedAnswer{200, {}, xml});
    EXPECT_THAT(bucket.store->List("", ""), Not(IsOk())) << xml;
  }
  EXPECT_GT(bucket.store->counters().Of(S3Operation::kList).retries, 0);
}

TEST(S3ObjectStore, NoErrorHasASecretInIt) {
  FakeS3Options fake_options = SmallPages();
  Bucket bucket(fake_options);
  const std::vector<ServedAnswer> answers = {{403, {}, ErrorXml("AccessDenied")}, {500, {}, ""}, Reset()};
  for (const ServedAnswer& answer : answers) {
    bucket.fake.AnswerAll(answer);
    const std::string text = bucket.store->Put("a", Bytes("x")).ToString();
    EXPECT_THAT(text, AllOf(Not(HasSubstr("canary")), Not(HasSubstr("Signature="))));
  }
}

TEST(S3ObjectStore, WrongCredentialsAreRefused) {
  Bucket bucket;
  S3Options options;
  options.bucket = "bucket";
  options.region = "us-east-1";
  options.endpoint = bucket.fake.Endpoint();
  S3ObjectStore store(options, std::make_unique<CurlHttp>(),
                      std::make_unique<StaticCredentials>(AwsCredentials{"AKIDFAKE", "another"}), Clock::System());
  EXPECT_THAT(store.Put("a", Bytes("x")), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("secret access key")));
}

}  // namespace
}  // namespace smelt
