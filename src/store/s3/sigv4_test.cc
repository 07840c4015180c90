#include "src/store/s3/sigv4.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kExampleTime = 1369353600;  // 2013-05-24T00:00:00Z
const std::string kEmptySha256 = DigestOf(std::string_view()).Hex();
const AwsCredentials kExample = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

ToSign Example(std::string method, std::string path) {
  ToSign request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.payload_sha256 = kEmptySha256;
  request.headers = {{"Host", "examplebucket.s3.amazonaws.com"}, {"x-amz-date", "20130524T000000Z"}};
  request.region = "us-east-1";
  request.now_seconds = kExampleTime;
  return request;
}

// The four examples of the API reference, "Signature Calculations for the Authorization Header".
TEST(SigV4, SignsTheReferencesGetWithARange) {
  ToSign request = Example("GET", "/test.txt");
  request.headers.emplace_back("x-amz-content-sha256", kEmptySha256);
  request.headers.emplace_back("Range", "bytes=0-9");
  EXPECT_EQ(AuthorizationOf(request, kExample),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, SignsTheReferencesPut) {
  ToSign request = Example("PUT", "/" + UriEscape("test$file.text", true));
  request.payload_sha256 = DigestOf("Welcome to Amazon S3.").Hex();
  request.headers.emplace_back("x-amz-content-sha256", request.payload_sha256);
  request.headers.emplace_back("Date", "Fri, 24 May 2013 00:00:00 GMT");
  request.headers.emplace_back("x-amz-storage-class", "REDUCED_REDUNDANCY");
  EXPECT_THAT(AuthorizationOf(request, kExample),
              HasSubstr("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(SigV4, SignsTheReferencesSubresource) {
  ToSign request = Example("GET", "/");
  request.query = {{"lifecycle", ""}};
  request.headers.emplace_back("x-amz-content-sha256", kEmptySha256);
  EXPECT_THAT(AuthorizationOf(request, kExample),
              HasSubstr("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(SigV4, SignsTheReferencesListWithAnUnsortedQuery) {
  ToSign request = Example("GET", "/");
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  request.headers.emplace_back("x-amz-content-sha256", kEmptySha256);
  EXPECT_THAT(AuthorizationOf(request, kExample),
              HasSubstr("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(SigV4, HeadersMayHaveSpacesAndAnyCase) {
  ToSign request = Example("GET", "/");
  ToSign spaced = request;
  request.headers.emplace_back("x-amz-meta-a", "b c");
  spaced.headers.emplace_back("X-Amz-Meta-A", "  b   c ");
  EXPECT_EQ(AuthorizationOf(request, kExample), AuthorizationOf(spaced, kExample));
}

TEST(SigV4, EscapesAsTheReferenceSays) {
  EXPECT_EQ(UriEscape("aZ09-_.~", false), "aZ09-_.~");
  EXPECT_EQ(UriEscape("a b/c+d%=\xc3\xa9", false), "a%20b%2Fc%2Bd%25%3D%C3%A9");
  EXPECT_EQ(UriEscape("a/b", true), "a/b");
  EXPECT_EQ(QueryString({{"b", "1"}, {"a-b", "x y"}, {"a", ""}}), "a=&a-b=x%20y&b=1");
}

TEST(SigV4, TheSecretIsNowhereInTheHeader) {
  EXPECT_THAT(AuthorizationOf(Example("GET", "/"), kExample), testing::Not(HasSubstr(kExample.secret_access_key)));
}

}  // namespace
}  // namespace smelt
