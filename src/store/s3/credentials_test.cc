#include <functional>
#include <map>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/store/s3/credentials_chain.h"
#include "src/store/s3/credentials_text.h"
#include "src/store/s3/curl_http.h"
#include "src/testing/fake_clock.h"
#include "src/testing/http_server.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kExpiration[] = "2023-11-14T23:13:20Z";  // an hour after FakeClock begins
constexpr std::int64_t kExpirationSeconds = 1'700'003'600;

std::string Json(const std::string& key) {
  return R"({"Code":"Success","AccessKeyId":")" + key +
         R"(","SecretAccessKey":"canary-secret","Token":"canary-token",)" + R"("Expiration":")" + kExpiration + R"("})";
}

std::string RoleXml(const std::string& action, const std::string& key) {
  return "<" + action + R"(Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><)" + action +
         "Result><Credentials><AccessKeyId>" + key + "</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey>" +
         "<SessionToken>canary-token</SessionToken><Expiration>" + kExpiration + "</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

const AwsCredentials kFetched = {"AKIDFETCHED", "canary-secret", "canary-token", kExpirationSeconds};

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() : server_([this](const ServedRequest& request) { return Serve(request); }) {
    variables_ = {{"HOME", "/home/u"}, {"AWS_EC2_METADATA_DISABLED", "true"}};
  }

  ServedAnswer Serve(const ServedRequest& request) {
    const std::lock_guard lock(mu_);
    requests_.push_back(request);
    return serve_ ? serve_(request) : ServedAnswer{404, {}, ""};
  }

  CredentialsEnvironment Environment() {
    CredentialsEnvironment environment;
    environment.variable = [this](const std::string& name) {
      const auto found = variables_.find(name);
      return found == variables_.end() ? "" : found->second;
    };
    environment.read_file = [this](const std::string& path) -> absl::StatusOr<std::string> {
      const auto found = files_.find(path);
      if (found == files_.end()) return absl::NotFoundError(path);
      return found->second;
    };
    return environment;
  }

  std::unique_ptr<CredentialsSource> Open(const std::string& profile = "") {
    return OpenCredentials(profile, Environment(), http_, clock_);
  }

  std::vector<ServedRequest> Requests() {
    const std::lock_guard lock(mu_);
    return requests_;
  }

  FakeClock clock_;
  std::map<std::string, std::string> variables_, files_;
  std::function<ServedAnswer(const ServedRequest&)> serve_;
  std::mutex mu_;
  std::vector<ServedRequest> requests_;  // guarded by mu_
  HttpServer server_;
  CurlHttp http_;
};

TEST_F(CredentialsTest, ComeFromTheEnvironmentFirst) {
  variables_["AWS_ACCESS_KEY_ID"] = "AKID";
  variables_["AWS_SECRET_ACCESS_KEY"] = " secret\r\n";
  variables_["AWS_SESSION_TOKEN"] = "token\n";
  files_["/home/u/.aws/credentials"] = "[default]\naws_access_key_id=other\naws_secret_access_key=other\n";
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(AwsCredentials{"AKID", "secret", "token"}));
}

TEST_F(CredentialsTest, HalfOfAKeyInTheEnvironmentIsAMistake) {
  variables_["AWS_ACCESS_KEY_ID"] = "AKID";
  EXPECT_THAT(Open()->Get(), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("set both")));
}

TEST_F(CredentialsTest, ComeFromTheDefaultProfileOfEitherFile) {
  files_["/home/u/.aws/credentials"] = "[default]\naws_access_key_id = A\naws_secret_access_key = S\n";
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(AwsCredentials{"A", "S"}));
  files_ = {{"/home/u/.aws/config", "[default]\naws_access_key_id = B\naws_secret_access_key = T\n"}};
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(AwsCredentials{"B", "T"}));
}

TEST_F(CredentialsTest, ANamedProfileGoesBeforeTheEnvironment) {
  variables_["AWS_ACCESS_KEY_ID"] = "AKID";
  variables_["AWS_SECRET_ACCESS_KEY"] = "secret";
  files_["/home/u/.aws/config"] = "[profile team]\naws_access_key_id=A\naws_secret_access_key=S\n";
  EXPECT_THAT(Open("team")->Get(), IsOkAndHolds(AwsCredentials{"A", "S"}));
}

TEST_F(CredentialsTest, AProfileOfTheEnvironmentGoesBehindTheEnvironmentsKeys) {
  variables_["AWS_PROFILE"] = "team";
  files_["/home/u/.aws/config"] = "[profile team]\naws_access_key_id=A\naws_secret_access_key=S\n";
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(AwsCredentials{"A", "S"}));
  variables_["AWS_ACCESS_KEY_ID"] = "AKID";
  variables_["AWS_SECRET_ACCESS_KEY"] = "secret";
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(AwsCredentials{"AKID", "secret"}));
}

TEST_F(CredentialsTest, FilesMayBeElsewhere) {
  variables_["AWS_SHARED_CREDENTIALS_FILE"] = "/else/where";
  files_["/else/where"] = "[default]\naws_access_key_id=A\naws_secret_access_key=S\n";
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(AwsCredentials{"A", "S"}));
}

TEST_F(CredentialsTest, AProfileThatIsNotThereIsNamed) {
  EXPECT_THAT(Open("team")->Get(),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("'team' is neither in /home/u/.aws/credentials")));
}

TEST_F(CredentialsTest, WhatIsNotUnderstoodIsSaid) {
  files_["/home/u/.aws/config"] = "[default]\nsso_start_url = https://x\n";
  EXPECT_THAT(Open()->Get(), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("sso_start_url")));
}

TEST_F(CredentialsTest, NoneAnywhereNamesAllPlaces) {
  EXPECT_THAT(Open()->Get(), StatusIs(absl::StatusCode::kUnauthenticated,
                                      testing::AllOf(HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr("/home/u/.aws/config"),
                                                     HasSubstr("no_credentials"))));
}

TEST_F(CredentialsTest, TheEndpointIsTheVariablesOrTheServicesOrTheProfiles) {
  files_["/home/u/.aws/config"] =
      "[default]\nregion = eu-west-1\n[profile ci]\nendpoint_url = http://all\nservices = near\n"
      "[profile plain]\nendpoint_url = http://all\n[services near]\nsts =\n  endpoint_url = http://sts\ns3 =\n"
      "  endpoint_url = http://s3\n";
  EXPECT_EQ(EndpointOf("", Environment()), "");
  EXPECT_EQ(EndpointOf("ci", Environment()), "http://s3");
  EXPECT_EQ(EndpointOf("plain", Environment()), "http://all");
  variables_["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(EndpointOf("ci", Environment()), "");
  variables_["AWS_ENDPOINT_URL"] = "http://variable";
  EXPECT_EQ(EndpointOf("ci", Environment()), "http://variable");
  variables_["AWS_ENDPOINT_URL_S3"] = "http://s3-variable";
  EXPECT_EQ(EndpointOf("ci", Environment()), "http://s3-variable");
}

TEST_F(CredentialsTest, AWebIdentityWithoutARoleIsAnError) {
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/token";
  EXPECT_THAT(Open()->Get(), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("AWS_ROLE_ARN is not: set both")));
}

TEST_F(CredentialsTest, AWebIdentityIsExchangedAtTheSts) {
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/token";
  variables_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/cache";
  variables_["AWS_ENDPOINT_URL_STS"] = server_.Url();
  files_["/var/token"] = "canary.jwt\n";
  serve_ = [](const ServedRequest&) {
    return ServedAnswer{200, {}, RoleXml("AssumeRoleWithWebIdentity", "AKIDFETCHED")};
  };
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(kFetched));
  ASSERT_EQ(Requests().size(), 1u);
  EXPECT_THAT(Requests()[0].body,
              testing::AllOf(HasSubstr("Action=AssumeRoleWithWebIdentity"), HasSubstr("WebIdentityToken=canary.jwt"),
                             HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fcache"), Not(HasSubstr("%0A"))));
}

TEST_F(CredentialsTest, ARefusedWebIdentityIsNamedByCodeWithoutItsToken) {
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/var/token";
  variables_["AWS_ROLE_ARN"] = "arn";
  variables_["AWS_ENDPOINT_URL_STS"] = server_.Url();
  files_["/var/token"] = "canary.jwt";
  serve_ = [](const ServedRequest&) {
    return ServedAnswer{400,
                        {},
                        "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>canary.jwt is bad"
                        "</Message></Error></ErrorResponse>"};
  };
  EXPECT_THAT(Open()->Get(), StatusIs(absl::StatusCode::kPermissionDenied,
                                      testing::AllOf(HasSubstr("InvalidIdentityToken"), Not(HasSubstr("canary")))));
}

TEST_F(CredentialsTest, ARoleOfAnotherProfileIsAssumed) {
  variables_["AWS_ENDPOINT_URL_STS"] = server_.Url();
  files_["/home/u/.aws/config"] =
      "[profile ci]\nrole_arn = arn:aws:iam::1:role/ci\nsource_profile = base\nregion = eu-west-1\n"
      "[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = canary-base\n";
  serve_ = [](const ServedRequest&) { return ServedAnswer{200, {}, RoleXml("AssumeRole", "AKIDFETCHED")}; };
  EXPECT_THAT(Open("ci")->Get(), IsOkAndHolds(kFetched));
  ASSERT_EQ(Requests().size(), 1u);
  EXPECT_THAT(Requests()[0].headers.at("authorization"), HasSubstr("Credential=AKIDBASE/"));
  EXPECT_THAT(Requests()[0].headers.at("authorization"), HasSubstr("/sts/aws4_request"));
}

TEST_F(CredentialsTest, AProfileWithKeysMayBeItsOwnSource) {
  variables_["AWS_ENDPOINT_URL_STS"] = server_.Url();
  files_["/home/u/.aws/config"] = "[profile ci]\nrole_arn = arn:aws:iam::1:role/ci\nsource_profile = ci\n";
  serve_ = [](const ServedRequest&) { return ServedAnswer{200, {}, RoleXml("AssumeRole", "AKIDFETCHED")}; };
  EXPECT_THAT(Open("ci")->Get(), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("its own source")));
  files_["/home/u/.aws/credentials"] = "[ci]\naws_access_key_id = AKIDOWN\naws_secret_access_key = canary-own\n";
  EXPECT_THAT(Open("ci")->Get(), IsOkAndHolds(kFetched));
  ASSERT_EQ(Requests().size(), 1u);
  EXPECT_THAT(Requests()[0].headers.at("authorization"), HasSubstr("Credential=AKIDOWN/"));
}

TEST_F(CredentialsTest, ProfilesThatNameEachOtherEnd) {
  files_["/home/u/.aws/config"] =
      "[profile a]\nrole_arn=x\nsource_profile=b\n[profile b]\nrole_arn=y\nsource_profile=a\n";
  EXPECT_THAT(Open("a")->Get(), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("name each other")));
}

TEST_F(CredentialsTest, AContainersEndpointIsAskedWithItsToken) {
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.Url() + "/v1/credentials";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/var/pod-token";
  files_["/var/pod-token"] = "canary-pod\n";
  serve_ = [](const ServedRequest& request) {
    const bool right = request.target == "/v1/credentials" && request.headers.at("authorization") == "canary-pod";
    return right ? ServedAnswer{200, {}, Json("AKIDFETCHED")} : ServedAnswer{401, {}, ""};
  };
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(kFetched));
}

TEST_F(CredentialsTest, AContainersTokenGoesToNoOtherMachineInTheClear) {
  for (const char* url : {"http://example.com/", "http://169.254.170.2.evil.com/", "http://127.0.0.1.evil.com/",
                          "ftp://127.0.0.1/", "http://evil.com:80/127.0.0.1", "http://127.0.0.1:80@evil.com/"}) {
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    EXPECT_THAT(Open()->Get(), StatusIs(absl::StatusCode::kInvalidArgument)) << url;
  }
}

TEST_F(CredentialsTest, TheInstancesServiceIsAskedInVersionTwo) {
  variables_["AWS_EC2_METADATA_DISABLED"] = "";
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server_.Url() + "/";
  serve_ = [](const ServedRequest& request) {
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    if (request.method == "PUT" && request.target == "/latest/api/token") return ServedAnswer{200, {}, "session"};
    if (request.headers.count("x-aws-ec2-metadata-token") == 0) return ServedAnswer{401, {}, ""};
    if (request.target == roles) return ServedAnswer{200, {}, "builder\n"};
    return request.target == roles + "builder" ? ServedAnswer{200, {}, Json("AKIDFETCHED")} : ServedAnswer{404, {}, ""};
  };
  EXPECT_THAT(Open()->Get(), IsOkAndHolds(kFetched));
}

TEST_F(CredentialsTest, AnInstanceWithoutARoleHasNone) {
  variables_["AWS_EC2_METADATA_DISABLED"] = "";
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server_.Url();
  serve_ = [](const ServedRequest& request) {
    return request.method == "PUT" ? ServedAnswer{200, {}, "session"} : ServedAnswer{404, {}, ""};
  };
  EXPECT_THAT(Open()->Get(), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("metadata service")));
}

TEST_F(CredentialsTest, WhatAnswersNonsenseIsUnavailableAndQuotesNothing) {
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.Url() + "/";
  for (const char* body : {"", "canary", "[]", "{\"SecretAccessKey\":\"canary\"}",
                           "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"canary\",\"Expiration\":\"soon\"}"}) {
    serve_ = [&](const ServedRequest&) { return ServedAnswer{200, {}, body}; };
    EXPECT_THAT(Open()->Get(), StatusIs(absl::StatusCode::kUnavailable, Not(HasSubstr("canary")))) << body;
  }
}

class RefreshingTest : public testing::Test {
 protected:
  FakeClock clock_;
  int fetches_ = 0;
  absl::Status status_;
  RefreshingCredentials source_{clock_, [this]() -> absl::StatusOr<AwsCredentials> {
                                  ++fetches_;
                                  if (!status_.ok()) return status_;
                                  const std::int64_t now = clock_.NowNanos() / 1'000'000'000;
                                  return AwsCredentials{"A", "S", "T", now + 3600};
                                }};
};

TEST_F(RefreshingTest, AsksAgainSomeMinutesBeforeTheEnd) {
  for (int i = 0; i < 5; ++i) ASSERT_OK(source_.Get());
  EXPECT_EQ(fetches_, 1);
  clock_.AdvanceSeconds(3600 - RefreshingCredentials::kEarlySeconds - 1);
  ASSERT_OK(source_.Get());
  EXPECT_EQ(fetches_, 1);
  clock_.AdvanceSeconds(1);
  ASSERT_OK(source_.Get());
  EXPECT_EQ(fetches_, 2);
}

TEST_F(RefreshingTest, UsesTheOldOnesWhileTheyLastWhenNoNewOnesCome) {
  ASSERT_OK(source_.Get());
  status_ = absl::UnavailableError("down");
  clock_.AdvanceSeconds(3400);
  ASSERT_OK(source_.Get());
  ASSERT_OK(source_.Get());
  EXPECT_EQ(fetches_, 2);
  clock_.AdvanceSeconds(200);
  EXPECT_THAT(source_.Get(), StatusIs(absl::StatusCode::kUnavailable));
}

// A place that does not answer is not waited for by each of a build's calls.
TEST_F(RefreshingTest, WhereThereAreNoneNobodyAsksAgainForSomeSeconds) {
  status_ = absl::UnauthenticatedError("none");
  for (int i = 0; i < 5; ++i) EXPECT_THAT(source_.Get(), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(fetches_, 1);
  status_ = absl::OkStatus();
  clock_.AdvanceSeconds(RefreshingCredentials::kFailedSeconds);
  EXPECT_OK(source_.Get());
  EXPECT_EQ(fetches_, 2);
}

TEST_F(RefreshingTest, ForgottenOnesAreFetchedAgain) {
  ASSERT_OK(source_.Get());
  source_.Forget();
  ASSERT_OK(source_.Get());
  EXPECT_EQ(fetches_, 2);
}

TEST(AwsProfiles, AreReadAsAmazonsToolsReadThem) {
  const AwsProfiles profiles = ParseAwsProfiles(
      "# comment\n; another\n\n[default]\nregion=eu-west-1\r\ns3 =\n  addressing_style = path\n"
      "[profile \"with space\"]\n  key = nested\naws_access_key_id =  A=B \n[broken\nregion = no\nnonsense\n"
      "[profile last]\nregion = us-east-2");
  EXPECT_EQ(profiles.at("default").at("region"), "eu-west-1");
  EXPECT_FALSE(profiles.at("default").contains("addressing_style"));
  EXPECT_EQ(profiles.at("default").at("s3.addressing_style"), "path");
  EXPECT_EQ(profiles.at("with space").at("aws_access_key_id"), "A=B");
  EXPECT_EQ(profiles.at("with space").at("key"), "nested");
  EXPECT_EQ(profiles.at("last").at("region"), "us-east-2");
  EXPECT_EQ(profiles.size(), 3u);
}

TEST(AwsProfiles, MayBeIndentedInCapitalsAndWithColons) {
  const AwsProfiles profiles = ParseAwsProfiles(
      "[default]\n  AWS_Access_Key_ID = A\n  aws_secret_access_key: S=:\n  s3 =\n    region = nested\n\tregion = eu\n"
      "[other]\n\taws_access_key_id=B\n");
  EXPECT_EQ(profiles.at("default"), (AwsProfile{{"aws_access_key_id", "A"},
                                                {"aws_secret_access_key", "S=:"},
                                                {"region", "eu"},
                                                {"s3", ""},
                                                {"s3.region", "nested"}}));
  EXPECT_EQ(profiles.at("other"), (AwsProfile{{"aws_access_key_id", "B"}}));
}

}  // namespace
}  // namespace smelt
