#include "src/auth/jwks.h"

#include <gtest/gtest.h>

#include <string>

#include "src/auth/auth_options.h"
#include "src/auth/test_issuer.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::HasSubstr;

TEST(Jwks, FindsByIdAndAlgorithm) {
  const TestIssuer issuer;
  ASSERT_OK_AND_ASSIGN(const Jwks keys, Jwks::Parse(issuer.Jwks()));
  const PublicKey* ec = keys.Find("ec", SignatureAlgorithm::kEs256);
  ASSERT_NE(ec, nullptr);
  EXPECT_TRUE(ec->Verifies("text", issuer.Signature("text", "ec")));
  EXPECT_FALSE(ec->Verifies("other", issuer.Signature("text", "ec")));
  EXPECT_EQ(keys.Find("ec", SignatureAlgorithm::kRs256), nullptr);
  EXPECT_EQ(keys.Find("", SignatureAlgorithm::kEs256), ec);
  EXPECT_EQ(keys.Find("absent", SignatureAlgorithm::kEs256), nullptr);
}

TEST(Jwks, WithoutAnIdTheKeyMustBeTheOnlyOne) {
  const TestIssuer one, two;
  std::string both = one.Jwks(), more = two.Jwks().substr(9);
  both.replace(both.size() - 2, 2, "," + more);
  ASSERT_OK_AND_ASSIGN(const Jwks keys, Jwks::Parse(both));
  EXPECT_EQ(keys.Find("", SignatureAlgorithm::kEs256), nullptr);
  EXPECT_EQ(keys.Find("ec", SignatureAlgorithm::kEs256), nullptr) << "two keys with one id";
}

TEST(Jwks, KeysOfOtherKindsAreLeftOut) {
  const TestIssuer issuer;
  std::string text = issuer.Jwks();
  text.insert(9,
              R"({"kty":"oct","kid":"shared","k":"c2VjcmV0"},{"kty":"OKP","crv":"Ed25519","x":"AA"},)"
              R"({"kty":"RSA","use":"enc","n":"x","e":"x"},{"kty":"EC","crv":"P-521"},{"kty":"RSA","alg":"RS512"},)");
  ASSERT_OK_AND_ASSIGN(const Jwks keys, Jwks::Parse(text));
  EXPECT_EQ(keys.Find("shared", SignatureAlgorithm::kEs256), nullptr);
  EXPECT_NE(keys.Find("rsa", SignatureAlgorithm::kRs256), nullptr);
}

TEST(Jwks, AKeyThatCannotBeDoesNotTakeTheOthersAway) {
  const TestIssuer issuer;
  std::string text = issuer.Jwks();
  text.insert(9, R"({"kty":"RSA","kid":"short","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},)");
  ASSERT_OK_AND_ASSIGN(const Jwks keys, Jwks::Parse(text));
  EXPECT_NE(keys.Find("ec", SignatureAlgorithm::kEs256), nullptr);
  EXPECT_EQ(keys.Find("short", SignatureAlgorithm::kRs256), nullptr);
}

TEST(Jwks, BadSets) {
  const std::string zero32(43, 'A');
  const std::pair<std::string, const char*> kCases[] = {
      {"", "not a JSON Web Key Set"},
      {"[]", "not a JSON Web Key Set"},
      {"{\"keys\":1}", "not a JSON Web Key Set"},
      {"{\"keys\":[]}", "no key for ES256"},
      {"{\"keys\":[1]}", "no JSON object"},
      {R"({"keys":[{"kty":"oct"}]})", "no key for ES256"},
      {R"({"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"AA","y":"AA"}]})", "key 'k': a P-256 key"},
      {R"({"keys":[{"kty":"EC","crv":"P-256","x":")" + zero32 + R"(","y":")" + zero32 + "\"}]}", "no point"},
      {R"({"keys":[{"kty":"EC","crv":"P-256","x":"+","y":"+"}]})", "not base64url"},
      {R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]})", "an RSA key of 17 bits"},
      {R"({"keys":[{"kty":"RSA","n":")" + std::string(342, 'g') + R"(","e":"AA"}]})", "exponent"},
      {R"({"keys":[{"kty":"RSA","n":")" + std::string(342, 'g') + R"(","e":"AQ"}]})", "exponent"},
      {R"({"keys":[{"kty":"RSA","n":")" + std::string(1400, 'g') + R"(","e":"AQAB"}]})", "an RSA key of"},
      {R"({"keys":[{"kty":"RSA"}]})", "an RSA key of 0 bits"},
      {std::string(1 << 20, ' ') + "{}", "over 1 MiB"},
  };
  for (const auto& [text, error] : kCases) {
    EXPECT_THAT(Jwks::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(error)))
        << text.substr(0, 80);
  }
}

TEST(KeysUrl, OnlyHttpsOrLoopback) {
  for (const char* good :
       {"https://a.example.com/jwks", "http://127.0.0.1:80/x", "http://localhost", "http://[::1]:1/"})
    EXPECT_OK(CheckKeysUrl(good)) << good;
  for (const char* bad :
       {"", "https://", "http://a.example.com/", "http://127.0.0.1.example.com/", "file:///etc/passwd",
        "http://127.0.0.1@a.example.com/", "http://127.0.0.1:80@a.example.com/", "ftp://localhost/"})
    EXPECT_THAT(CheckKeysUrl(bad), StatusIs(absl::StatusCode::kInvalidArgument)) << bad;
}

}  // namespace
}  // namespace smelt
