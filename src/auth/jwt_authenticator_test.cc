#include "src/auth/jwt_authenticator.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fmt/format.h"
#include "src/auth/test_issuer.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

constexpr std::int64_t kNow = FakeClock::kStartNanos / 1'000'000'000;

const TestIssuer& Issuer() {
  static const TestIssuer issuer;
  return issuer;
}

AuthOptions::Jwt Options() {
  AuthOptions::Jwt options;
  options.issuer = "https://ci.example.com";
  options.audience = "smelt";
  options.rules = {
      {{{"repository", "acme/app"}, {"ref", "refs/heads/main"}, {"event_name", "push"}}, {Role::kWriter, {"main"}}},
      {{{"repository", "acme/*"}, {"event_name", "pull_request"}}, {Role::kWriter, {"pr/{number}", "x/{absent}"}}},
      {{{"ref_protected", "true"}}, {Role::kReader, {"*"}}}};
  return options;
}

// `more` begins with a comma, or is empty.
std::string Claims(const std::string& more, std::int64_t expires = kNow + 600) {
  return fmt::format(R"({{"iss":"https://ci.example.com","aud":"smelt","sub":"someone","exp":{}{}}})", expires, more);
}

const char kMain[] = R"(,"repository":"acme/app","ref":"refs/heads/main","event_name":"push")";

class JwtAuthenticatorTest : public testing::Test {
 protected:
  absl::StatusOr<Identity> Identify(const std::string& token) {
    std::optional<absl::StatusOr<Identity>> identity = authenticator_.Identify({token, {}});
    return identity ? *std::move(identity) : absl::NotFoundError("not its kind");
  }

  FakeClock clock_;
  std::string jwks_ = Issuer().Jwks();
  int reads_ = 0;
  JwtAuthenticator authenticator_{{Options()}, clock_, [this](const AuthOptions::Jwt&) -> ReadKeys {
                                    return [this]() -> absl::StatusOr<std::string> {
                                      ++reads_;
                                      if (jwks_.empty()) return absl::UnavailableError("down");
                                      return jwks_;
                                    };
                                  }};
};

TEST_F(JwtAuthenticatorTest, TheFirstRuleThatFitsDecides) {
  for (const std::string& token : {Issuer().Es256(Claims(kMain)), Issuer().Rs256(Claims(kMain))}) {
    ASSERT_OK_AND_ASSIGN(const Identity identity, Identify(token));
    EXPECT_EQ(identity.name, "someone");
    EXPECT_EQ(identity.role, Role::kWriter);
    ASSERT_EQ(identity.instances.size(), 1u);
    EXPECT_TRUE(identity.instances[0].Matches("main"));
    EXPECT_FALSE(identity.instances[0].Matches("pr/1"));
  }
}

TEST_F(JwtAuthenticatorTest, ClaimsNameInstancesAndStandForThemselves) {
  const std::string claims = R"(,"repository":"acme/b","event_name":"pull_request","number":)";
  ASSERT_OK_AND_ASSIGN(const Identity seven, Identify(Issuer().Es256(Claims(claims + "7"))));
  ASSERT_EQ(seven.instances.size(), 1u) << "an instance with a claim that is not there was granted";
  EXPECT_TRUE(seven.instances[0].Matches("pr/7"));
  EXPECT_FALSE(seven.instances[0].Matches("pr/8"));
  ASSERT_OK_AND_ASSIGN(const Identity star, Identify(Issuer().Es256(Claims(claims + "\"*\""))));
  EXPECT_FALSE(star.instances[0].Matches("pr/8"));
}

TEST_F(JwtAuthenticatorTest, ATokenThatFitsNoRuleIsDenied) {
  EXPECT_THAT(Identify(Issuer().Es256(Claims(R"(,"repository":"evil/app")"))), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_OK(Identify(Issuer().Es256(Claims(R"(,"ref_protected":true)"))));
  EXPECT_OK(Identify(Issuer().Es256(Claims(R"(,"ref_protected":"true")"))));
  EXPECT_THAT(Identify(Issuer().Es256(Claims(R"(,"ref_protected":["true"])"))),
              StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(JwtAuthenticatorTest, WhatIsNoJwtIsForAnother) {
  for (const char* token : {"", "abc", "a.b", "a.b.c.d"}) {
    EXPECT_THAT(Identify(token), StatusIs(StatusCode::kNotFound)) << token;
  }
}

struct BadToken {
  const char* name;
  std::string token;
  const char* error;
};

std::string WithHeader(const std::string& header, const char* key = "ec") {
  return Issuer().Sign(header, Claims(kMain), key);
}

// `header`.`claims`.`signature`, each encoded here.
std::string Plain(std::string_view header, std::string_view claims, std::string_view signature) {
  return EncodeBase64Url(header) + "." + EncodeBase64Url(claims) + "." + EncodeBase64Url(signature);
}

std::vector<BadToken> BadHeaders() {
  const std::string ec = R"({"alg":"ES256","kid":"ec"})";
  return {
      {"alg none", WithHeader(R"({"alg":"none","kid":"ec"})"), "\"alg\""},
      {"alg None", WithHeader(R"({"alg":"None","kid":"ec"})"), "\"alg\""},
      {"alg none and no signature", Plain(R"({"alg":"none"})", Claims(kMain), ""), "signature"},
      {"alg HS256", WithHeader(R"({"alg":"HS256","kid":"ec"})"), "\"alg\""},
      {"alg HS256 with the RSA key's id", WithHeader(R"({"alg":"HS256","kid":"rsa"})", "rsa"), "\"alg\""},
      {"alg ES512", WithHeader(R"({"alg":"ES512","kid":"ec"})"), "\"alg\""},
      {"alg PS256", WithHeader(R"({"alg":"PS256","kid":"rsa"})", "rsa"), "\"alg\""},
      {"alg in lower case", WithHeader(R"({"alg":"es256","kid":"ec"})"), "\"alg\""},
      {"alg absent", WithHeader(R"({"kid":"ec"})"), "\"alg\""},
      {"alg a number", WithHeader(R"({"alg":256,"kid":"ec"})"), "\"alg\" is no string"},
      {"kid a list", WithHeader(R"({"alg":"ES256","kid":["ec"]})"), "\"kid\" is no string"},
      {"kid unknown", WithHeader(R"({"alg":"ES256","kid":"other"})"), "no such key"},
      {"kid a path", WithHeader(R"({"alg":"ES256","kid":"../../dev/null"})"), "no such key"},
      {"RS256 with the EC key's id", WithHeader(R"({"alg":"RS256","kid":"ec"})"), "no such key"},
      {"ES256 with the RSA key's id", WithHeader(R"({"alg":"ES256","kid":"rsa"})", "rsa"), "no such key"},
      {"critical extension", WithHeader(R"({"alg":"ES256","kid":"ec","crit":["b64"],"b64":false})"), "critical"},
      {"its own key", WithHeader(R"({"alg":"ES256","kid":"mine","jwk":{"kty":"EC"}})"), "no such key"},
      {"header a list", WithHeader(R"(["ES256"])"), "header is no JSON object"},
      {"header not JSON", WithHeader("{\"alg\":"), "header is no JSON object"},
      {"header not UTF-8", WithHeader("{\"alg\":\"ES256\",\"kid\":\"\xff\"}"), "header is no JSON object"},
      {"empty parts", "..", "header is no JSON object"},
      {"header not base64url", "e30=." + EncodeBase64Url("{}") + ".AA", "header is not base64url"},
      {"header with bits left over", "e31." + EncodeBase64Url("{}") + ".AA", "header is not base64url"},
  };
}

std::vector<BadToken> BadSignatures() {
  const std::string good = Issuer().Es256(Claims(kMain)), other = Issuer().Es256(Claims(R"(,"ref_protected":true)"));
  const std::string signed_part = good.substr(0, good.rfind('.'));
  const std::string r_and_s = Issuer().Signature(signed_part, "ec");
  std::string flipped = r_and_s;
  flipped[5] ^= 1;
  const TestIssuer stranger;
  return {
      {"another token's signature", signed_part + other.substr(other.rfind('.')), "signature is wrong"},
      {"one bit", signed_part + "." + EncodeBase64Url(flipped), "signature is wrong"},
      {"zeros", signed_part + "." + EncodeBase64Url(std::string(64, '\0')), "signature is wrong"},
      {"one byte too short", signed_part + "." + EncodeBase64Url(r_and_s.substr(1)), "signature is wrong"},
      {"one byte too long", signed_part + "." + EncodeBase64Url(r_and_s + "x"), "signature is wrong"},
      {"none", signed_part + ".", "signature"},
      {"not base64url", signed_part + ".a+b/", "signature is not base64url"},
      {"another issuer's EC key", stranger.Es256(Claims(kMain)), "signature is wrong"},
      {"another issuer's RSA key", stranger.Rs256(Claims(kMain)), "signature is wrong"},
      {"RSA signature over something else",
       Plain(R"({"alg":"RS256","kid":"rsa"})", Claims(kMain), Issuer().Signature("x", "rsa")), "signature is wrong"},
  };
}

std::vector<BadToken> BadClaims() {
  const auto with = [](const std::string& claims) { return Issuer().Es256(claims); };
  const auto claims = [](const std::string& issuer, const std::string& audience, const std::string& rest) {
    return Issuer().Es256(fmt::format(R"({{"iss":{},"aud":{}{}{}}})", issuer, audience, rest, kMain));
  };
  const std::string ci = "\"https://ci.example.com\"", exp = fmt::format(",\"exp\":{}", kNow + 600);
  return {
      {"expired", with(Claims(kMain, kNow - 61)), "expired 61 s ago"},
      {"expired at the edge", with(Claims(kMain, kNow - 60)), "expired 60 s ago"},
      {"exp 0", with(Claims(kMain, 0)), "expired"},
      {"exp negative", with(Claims(kMain, -1)), "\"exp\" is no time"},
      {"exp absent", claims(ci, "\"smelt\"", ""), "never expires"},
      {"exp a string", claims(ci, "\"smelt\"", ",\"exp\":\"99999999999\""), "\"exp\" is no time"},
      {"exp null", claims(ci, "\"smelt\"", ",\"exp\":null"), "\"exp\" is no time"},
      {"exp huge", claims(ci, "\"smelt\"", ",\"exp\":1e300"), "\"exp\" is no time"},
      {"made for two hours", with(Claims(kMain, kNow + 7200)), "made for longer"},
      {"iat long ago", with(Claims(kMain + fmt::format(",\"iat\":{}", kNow - 4000))), "made for longer"},
      {"iat in the future", with(Claims(kMain + fmt::format(",\"iat\":{}", kNow + 61))), "\"iat\" lies"},
      {"nbf in the future", with(Claims(kMain + fmt::format(",\"nbf\":{}", kNow + 61))), "\"nbf\" lies"},
      {"nbf a boolean", with(Claims(kMain + std::string(",\"nbf\":true"))), "\"nbf\" is no time"},
      {"issuer unknown", claims("\"https://evil.example.com\"", "\"smelt\"", exp), "issuer is none"},
      {"issuer with a slash more", claims("\"https://ci.example.com/\"", "\"smelt\"", exp), "issuer is none"},
      {"issuer a list", claims("[" + ci + "]", "\"smelt\"", exp), "\"iss\" is no string"},
      {"audience of another", claims(ci, "\"other\"", exp), "another audience than 'smelt'"},
      {"audience a part", claims(ci, "\"smelt2\"", exp), "another audience"},
      {"audiences of others", claims(ci, "[\"a\",\"b\"]", exp), "another audience"},
      {"audiences none", claims(ci, "[]", exp), "another audience"},
      {"audience an object", claims(ci, "{\"smelt\":1}", exp), "\"aud\" is neither"},
      {"audience mixed", claims(ci, "[\"smelt\",1]", exp), "\"aud\" is neither"},
      {"payload a string", with("\"x\""), "payload is no JSON object"},
      {"payload deep", with(std::string(5000, '[') + std::string(5000, ']')), "payload is no JSON object"},
      {"too long", with(Claims(",\"x\":\"" + std::string(20000, 'a') + "\"")), "longer than 16 KiB"},
  };
}

TEST_F(JwtAuthenticatorTest, BadTokens) {
  std::size_t cases = 0;
  for (const auto& corpus : {BadHeaders(), BadSignatures(), BadClaims()}) {
    for (const BadToken& bad : corpus) {
      EXPECT_THAT(Identify(bad.token), StatusIs(StatusCode::kUnauthenticated, HasSubstr(bad.error))) << bad.name;
    }
    cases += corpus.size();
  }
  EXPECT_GE(cases, 40u);
}

TEST_F(JwtAuthenticatorTest, TheLeewayIsAMinute) {
  EXPECT_OK(Identify(Issuer().Es256(Claims(kMain, kNow - 59))));
  EXPECT_OK(Identify(Issuer().Es256(Claims(kMain + fmt::format(",\"nbf\":{0},\"iat\":{0}", kNow + 60)))));
  EXPECT_OK(Identify(Issuer().Es256(Claims(kMain, kNow + 3660))));
}

TEST_F(JwtAuthenticatorTest, ARememberedTokenStillEnds) {
  const std::string token = Issuer().Es256(Claims(kMain));
  ASSERT_OK(Identify(token));
  clock_.AdvanceSeconds(290);
  jwks_.clear();
  EXPECT_OK(Identify(token));
  clock_.AdvanceSeconds(371);
  EXPECT_THAT(Identify(token), StatusIs(StatusCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(JwtAuthenticatorTest, ANewKeyIsFoundAndStrangersCannotMakeItReadMore) {
  ASSERT_OK(Identify(Issuer().Es256(Claims(kMain))));
  EXPECT_EQ(reads_, 1);
  const std::string unknown = WithHeader(R"({"alg":"ES256","kid":"next"})");
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Identify(unknown), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_EQ(reads_, 1);
  clock_.AdvanceSeconds(KeyCache::kAttemptSeconds);
  jwks_.replace(jwks_.find("\"ec\""), 4, "\"next\"");
  EXPECT_OK(Identify(unknown));
  EXPECT_EQ(reads_, 2);
}

TEST_F(JwtAuthenticatorTest, ANewKeyIsFoundAfterTheClockWasSetBack) {
  ASSERT_OK(Identify(Issuer().Es256(Claims(kMain))));
  clock_.AdvanceSeconds(-7200);
  Identify(WithHeader(R"({"alg":"ES256","kid":"next"})")).status().IgnoreError();
  EXPECT_EQ(reads_, 2);
}

TEST_F(JwtAuthenticatorTest, OldKeysCountWhileTheIssuerIsDownForADay) {
  ASSERT_OK(Identify(Issuer().Es256(Claims(kMain))));
  jwks_.clear();
  clock_.AdvanceSeconds(KeyCache::kRefreshSeconds);
  EXPECT_OK(Identify(Issuer().Es256(Claims(kMain, kNow + KeyCache::kRefreshSeconds + 60))));
  EXPECT_EQ(reads_, 2);
  clock_.AdvanceSeconds(KeyCache::kStaleSeconds);
  EXPECT_THAT(Identify(Issuer().Es256(Claims(kMain, kNow + KeyCache::kStaleSeconds + 3700))),
              StatusIs(StatusCode::kUnavailable, HasSubstr("down")));
}

TEST_F(JwtAuthenticatorTest, WithoutKeysItIsUnavailable) {
  jwks_ = "{}";
  EXPECT_THAT(Identify(Issuer().Es256(Claims(kMain))), StatusIs(StatusCode::kUnavailable, HasSubstr("Key Set")));
}

}  // namespace
}  // namespace smelt
