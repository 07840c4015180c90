#include "src/auth/role_authorizer.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "src/auth/test_issuer.h"
#include "src/auth/token_authenticator.h"
#include "src/base/file_system.h"
#include "src/digest/hasher.h"
#include "src/testing/fake_clock.h"
#include "src/testing/status_matchers.h"
#include "src/testing/temp_dir.h"

namespace smelt {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

constexpr std::int64_t kNow = FakeClock::kStartNanos / 1'000'000'000;

const std::vector<std::string> kRoleNames = {"reader", "developer", "writer", "executor", "administrator"};

// docs/server.md's table, written once more: for each permission who has it, in the order of kRoleNames.
const std::vector<std::pair<Permission, const char*>> kTable = {
    {Permission::kReadBlobs, "yyyyy"},    {Permission::kWriteBlobs, "nyyyy"}, {Permission::kReadActions, "yyyyy"},
    {Permission::kWriteActions, "nnynn"}, {Permission::kExecute, "nyyny"},    {Permission::kLease, "nnnyn"},
    {Permission::kAdminister, "nnnny"},
};

std::string SecretOf(const std::string& role) { return "canary-secret-of-" + role; }

class RoleAuthorizerTest : public testing::Test {
 protected:
  RoleAuthorizerTest() {
    EXPECT_OK(FileSystem::System().WriteNewFile(directory_ / "jwks.json", Issuer().Jwks(), 0600));
    AuthOptions options;
    AuthOptions::Jwt jwt{"issuer", "smelt", directory_ / "jwks.json", "", 3600, {}};
    for (const std::string& name : kRoleNames) {
      const AuthOptions::Grant grant{*ParseRole(name), {"team/*"}};
      options.tokens.push_back({"person-" + name, *HashToken(SecretOf(name)), grant});
      options.certificates.push_back({"spiffe://example.com/" + name, grant});
      jwt.rules.push_back({{{"role", name}}, grant});
    }
    options.jwts.push_back(jwt);
    authorizer_ = MakeAuthorizer(options, clock_);
    options.anonymous = AuthOptions::Grant{Role::kReader, {"open"}};
    with_anonymous_ = MakeAuthorizer(options, clock_);
  }

  static const TestIssuer& Issuer() {
    static const TestIssuer issuer;
    return issuer;
  }

  static std::string Token(const std::string& role, std::int64_t expires, const char* audience = "smelt") {
    return "Bearer " + Issuer().Es256(fmt::format(R"({{"iss":"issuer","aud":"{}","exp":{},"role":"{}","sub":"{}"}})",
                                                  audience, expires, role, "ci-" + role));
  }

  TempDir directory_;
  FakeClock clock_;
  std::unique_ptr<Authorizer> authorizer_, with_anonymous_;
};

struct State {
  const char* name;
  Credentials credentials;
  const char* instance;
  StatusCode refused;  // kOk: the table decides
};

TEST_F(RoleAuthorizerTest, EveryPermissionRoleAndState) {
  int cells = 0;
  for (std::size_t role = 0; role < kRoleNames.size(); ++role) {
    const std::string& name = kRoleNames[role];
    const std::string secret = "Bearer " + SecretOf(name);
    const State kStates[] = {
        {"ok", {secret}, "team/a", StatusCode::kOk},
        {"wrong instance", {secret}, "main", StatusCode::kPermissionDenied},
        {"no instance", {secret}, "", StatusCode::kPermissionDenied},
        {"garbage", {secret + "x"}, "team/a", StatusCode::kUnauthenticated},
        {"a part", {secret.substr(0, secret.size() - 1)}, "team/a", StatusCode::kUnauthenticated},
        {"none", {}, "team/a", StatusCode::kUnauthenticated},
        {"JWT ok", {Token(name, kNow + 60)}, "team/a", StatusCode::kOk},
        {"JWT wrong instance", {Token(name, kNow + 60)}, "main", StatusCode::kPermissionDenied},
        {"JWT expired", {Token(name, kNow - 100)}, "team/a", StatusCode::kUnauthenticated},
        {"JWT wrong audience", {Token(name, kNow + 60, "other")}, "team/a", StatusCode::kUnauthenticated},
        {"JWT garbage", {"Bearer a.b.c"}, "team/a", StatusCode::kUnauthenticated},
        {"JWT without a rule", {Token("king", kNow + 60)}, "team/a", StatusCode::kPermissionDenied},
        {"certificate ok", {"", {"spiffe://example.com/" + name}}, "team/a", StatusCode::kOk},
        {"certificate wrong instance", {"", {"spiffe://example.com/" + name}}, "x", StatusCode::kPermissionDenied},
        {"certificate unknown", {"", {"spiffe://example.org/" + name}}, "team/a", StatusCode::kUnauthenticated},
        {"bad token beside a certificate",
         {"Bearer x", {"spiffe://example.com/" + name}},
         "team/a",
         StatusCode::kUnauthenticated},
    };
    for (const State& state : kStates) {
      for (const auto& [permission, who] : kTable) {
        const absl::StatusOr<Principal> principal =
            authorizer_->Authorize(state.credentials, state.instance, permission);
        const StatusCode allowed = who[role] == 'y' ? StatusCode::kOk : StatusCode::kPermissionDenied;
        EXPECT_EQ(principal.status().code(), state.refused == StatusCode::kOk ? allowed : state.refused)
            << name << ", " << state.name << ", " << NameOf(permission);
        EXPECT_EQ(principal.ok() ? principal->role : name, name);
        ++cells;
      }
    }
  }
  EXPECT_EQ(cells, 560);
}

// What belongs to no instance.
TEST_F(RoleAuthorizerTest, WhereNoInstanceIsMeantAnyWillDo) {
  const auto administers = [&](const Credentials& credentials) {
    return with_anonymous_->Authorize(credentials, std::nullopt, Permission::kAdminister).status();
  };
  EXPECT_OK(administers({"Bearer " + SecretOf("administrator")}));
  EXPECT_OK(administers({"", {"spiffe://example.com/administrator"}}));
  EXPECT_THAT(administers({"Bearer " + SecretOf("writer")}),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("is a writer and may not administer")));
  EXPECT_THAT(administers({}), StatusIs(StatusCode::kPermissionDenied, HasSubstr("'anonymous' is a reader")));
  EXPECT_THAT(administers({"Bearer nonsense"}), StatusIs(StatusCode::kUnauthenticated));

  AuthOptions nowhere;
  nowhere.tokens = {{"nobody", *HashToken(SecretOf("administrator")), {Role::kAdministrator, {}}}};
  EXPECT_THAT(MakeAuthorizer(nowhere, clock_)
                  ->Authorize({"Bearer " + SecretOf("administrator")}, std::nullopt, Permission::kAdminister),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("may not use any instance")));
}

TEST_F(RoleAuthorizerTest, NoSecretIsInAnError) {
  const std::string jwt = Token("reader", kNow - 100).substr(7);
  const Credentials kShown[] = {
      {"Bearer canary-secret-of-nobody"},
      {"canary-secret"},
      {"Basic canary-secret"},
      {"Digest canary-secret"},
      {"Basic Y2FuYXJ5LXNlY3JldDpjYW5hcnktc2VjcmV0"},
      {"Bearer " + jwt},
      {"Bearer canary.secret.x"},
      {"Bearer " + SecretOf("reader")},
  };
  for (const Credentials& shown : kShown) {
    const absl::Status status = authorizer_->Authorize(shown, "team/a", Permission::kAdminister).status();
    ASSERT_FALSE(status.ok());
    const std::string message(status.message());
    EXPECT_EQ(message.find("canary"), message.npos) << message;
    EXPECT_EQ(message.find(jwt.substr(0, 20)), message.npos) << message;
  }
}

TEST_F(RoleAuthorizerTest, HeadersInAllTheirForms) {
  const auto code = [&](const std::string& header) {
    return authorizer_->Authorize({header}, "team/a", Permission::kReadBlobs).status().code();
  };
  EXPECT_EQ(code("bearer canary-secret-of-reader"), StatusCode::kOk);
  EXPECT_EQ(code("BEARER   canary-secret-of-reader"), StatusCode::kOk);
  EXPECT_EQ(code("Basic Om5vLWNhbmFyeQ=="), StatusCode::kUnauthenticated);
  EXPECT_EQ(code("Basic dTpjYW5hcnktc2VjcmV0LW9mLXJlYWRlcg=="), StatusCode::kOk);  // u:canary-secret-of-reader
  for (const char* bad : {"Bearer", "Bearer ", "Bearercanary-secret-of-reader", "Basic", "Basic !", "Basic dQ==", " ",
                          "canary-secret-of-reader", "Token canary-secret-of-reader"}) {
    EXPECT_EQ(code(bad), StatusCode::kUnauthenticated) << bad;
  }
}

TEST_F(RoleAuthorizerTest, TheAnonymousMayWhatTheyAreGrantedAndNoBadTokenMakesOne) {
  const auto code = [&](const Credentials& credentials, const char* instance, Permission permission) {
    return with_anonymous_->Authorize(credentials, instance, permission).status().code();
  };
  EXPECT_EQ(code({}, "open", Permission::kReadBlobs), StatusCode::kOk);
  EXPECT_EQ(code({}, "open", Permission::kWriteBlobs), StatusCode::kPermissionDenied);
  EXPECT_EQ(code({}, "team/a", Permission::kReadBlobs), StatusCode::kPermissionDenied);
  EXPECT_EQ(code({"Bearer nonsense"}, "open", Permission::kReadBlobs), StatusCode::kUnauthenticated);
  EXPECT_EQ(code({"", {"stranger"}}, "open", Permission::kReadBlobs), StatusCode::kOk);
}

TEST_F(RoleAuthorizerTest, WithoutConfigurationEverybodyMayEverything) {
  EXPECT_OK(MakeAuthorizer({}, clock_)->Authorize({}, "x", Permission::kAdminister));
}

TEST(TokenAuthenticatorTest, WhatCouldBeGuessedIsNobodysWhoeverMadeItsDigest) {
  const std::string long_enough(20, 'x'), guessed(19, 'x');
  TokenAuthenticator tokens({{"a", DigestOf(long_enough).Hex(), {}}, {"b", DigestOf(guessed).Hex(), {}}});
  EXPECT_TRUE(tokens.Identify({.token = long_enough, .certificate_names = {}}).has_value());
  EXPECT_FALSE(tokens.Identify({.token = guessed, .certificate_names = {}}).has_value());
}

TEST(HashToken, RefusesWhatCouldBeGuessed) {
  EXPECT_THAT(HashToken("short"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("at least 20")));
  EXPECT_THAT(HashToken("with a space in the middle"), StatusIs(StatusCode::kInvalidArgument, HasSubstr("ASCII")));
  ASSERT_OK_AND_ASSIGN(const std::string hash, HashToken("abcdefghijklmnopqrstuvwxyz"));
  EXPECT_EQ(hash, "71c480df93d6ae2f1efad1447c66c9525e316218cf51fc8d9ed832f2daf18b73");
}

}  // namespace
}  // namespace smelt
