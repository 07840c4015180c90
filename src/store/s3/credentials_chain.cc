#include "src/store/s3/credentials_chain.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "fmt/format.h"
#include "src/base/ascii.h"
#include "src/base/status_macros.h"
#include "src/store/s3/credentials_text.h"
#include "src/store/s3/metadata_service.h"
#include "src/store/s3/token_service.h"

namespace smelt {
namespace {

constexpr int kSourcesMax = 5;  // profiles that name each other

class Chain {
 public:
  Chain(std::string profile, CredentialsEnvironment environment, Http& http, Clock& clock)
      : profile_(std::move(profile)), environment_(std::move(environment)), http_(http), clock_(clock) {}

  // NOT_FOUND from one place means the next.
  absl::StatusOr<AwsCredentials> Fetch() {
    const bool named = !profile_.empty() || !Variable("AWS_PROFILE").empty();
    absl::StatusOr<AwsCredentials> found = absl::NotFoundError("");
    if (profile_.empty()) found = FromVariables();
    if (!named && absl::IsNotFound(found.status())) found = FromWebIdentity();
    if (absl::IsNotFound(found.status())) found = FromProfile(ProfileName(), kSourcesMax);
    if (named && absl::IsNotFound(found.status())) return NoProfile();
    if (absl::IsNotFound(found.status())) found = FetchFromContainer(environment_, http_);
    if (absl::IsNotFound(found.status())) found = FetchFromInstance(environment_, http_);
    return absl::IsNotFound(found.status()) ? Nothing() : found;
  }

  std::string Region() {
    const std::string region = FirstOf("AWS_REGION", "AWS_DEFAULT_REGION");
    return region.empty() ? Of(Merged(ProfileName()), "region") : region;
  }

  std::string Endpoint() {
    std::string endpoint = FirstOf("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    if (!endpoint.empty() || LowerCase(Variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) == "true") return endpoint;
    const AwsProfile profile = Merged(ProfileName());
    endpoint = Of(Merged("services " + Of(profile, "services")), "s3.endpoint_url");
    return endpoint.empty() ? Of(profile, "endpoint_url") : endpoint;
  }

 private:
  std::string Variable(const std::string& name) const { return environment_.variable(name); }

  std::string FirstOf(const std::string& name, const std::string& otherwise) const {
    const std::string value = Variable(name);
    return value.empty() ? Variable(otherwise) : value;
  }

  static std::string Of(const AwsProfile& profile, std::string_view key) {
    const auto found = profile.find(key);
    return found == profile.end() ? "" : found->second;
  }

  std::string ProfileName() const {
    if (!profile_.empty()) return profile_;
    const std::string named = Variable("AWS_PROFILE");
    return named.empty() ? "default" : named;
  }

  absl::Status NoProfile() const {
    return absl::UnauthenticatedError(
        fmt::format("s3: profile '{}' is neither in {} nor in {}: mend `profile` or AWS_PROFILE", ProfileName(),
                    FilePath("AWS_SHARED_CREDENTIALS_FILE", "credentials"), FilePath("AWS_CONFIG_FILE", "config")));
  }

  absl::Status Nothing() const {
    return absl::UnauthenticatedError(fmt::format(
        "s3: no credentials: not in AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, {}, {} (profile '{}'), "
        "AWS_CONTAINER_CREDENTIALS_*, nor from the instance's metadata service. Set one of them, or `no_credentials` "
        "for a public bucket",
        FilePath("AWS_SHARED_CREDENTIALS_FILE", "credentials"), FilePath("AWS_CONFIG_FILE", "config"), ProfileName()));
  }

  std::string FilePath(const std::string& variable, const std::string& name) const {
    const std::string path = Variable(variable);
    return path.empty() ? Variable("HOME") + "/.aws/" + name : path;
  }

  AwsProfile Merged(const std::string& name) const {
    AwsProfile merged;
    for (const auto& [variable, file] :
         {std::pair("AWS_SHARED_CREDENTIALS_FILE", "credentials"), std::pair("AWS_CONFIG_FILE", "config")}) {
      const auto text = environment_.read_file(FilePath(variable, file));
      if (!text.ok()) continue;
      AwsProfiles profiles = ParseAwsProfiles(*text);
      merged.merge(profiles[name]);
    }
    return merged;
  }

  absl::StatusOr<AwsCredentials> FromVariables() const {
    // CI's secrets often end in a line end.
    const auto secret = [&](const char* name) { return std::string(Trimmed(Variable(name))); };
    AwsCredentials credentials{secret("AWS_ACCESS_KEY_ID"), secret("AWS_SECRET_ACCESS_KEY"),
                               secret("AWS_SESSION_TOKEN")};
    if (credentials.access_key_id.empty() && credentials.secret_access_key.empty()) return absl::NotFoundError("");
    if (!credentials.access_key_id.empty() && !credentials.secret_access_key.empty()) return credentials;
    return absl::UnauthenticatedError("s3: of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set: set both");
  }

  absl::StatusOr<AwsCredentials> FromWebIdentity() {
    const std::string file = Variable("AWS_WEB_IDENTITY_TOKEN_FILE"), role = Variable("AWS_ROLE_ARN");
    if (file.empty()) return absl::NotFoundError("");
    if (role.empty()) {
      return absl::UnauthenticatedError(
          "s3: AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not: set both, or neither");
    }
    return WithWebIdentity(file, {role, Variable("AWS_ROLE_SESSION_NAME"), ""});
  }

  absl::StatusOr<AwsCredentials> WithWebIdentity(const std::string& file, const AssumedRole& role) {
    const auto token = environment_.read_file(file);
    if (!token.ok()) {
      return absl::UnauthenticatedError(fmt::format("s3: the web identity's token file {} cannot be read", file));
    }
    return AssumeRoleWithWebIdentity(Service(), role, *token);
  }

  TokenService Service() {
    const std::string region = Region();
    std::string endpoint = Variable("AWS_ENDPOINT_URL_STS");
    if (endpoint.empty()) {
      endpoint = region.empty() ? "https://sts.amazonaws.com" : fmt::format("https://sts.{}.amazonaws.com", region);
    }
    return {http_, clock_, endpoint, region.empty() ? "us-east-1" : region};
  }

  absl::StatusOr<AwsCredentials> FromProfile(const std::string& name, int sources_max) {
    const AwsProfile profile = Merged(name);
    if (profile.empty()) return absl::NotFoundError("");
    const AwsCredentials keys{Of(profile, "aws_access_key_id"), Of(profile, "aws_secret_access_key"),
                              Of(profile, "aws_session_token")};
    const bool has_keys = !keys.access_key_id.empty() && !keys.secret_access_key.empty();
    const AssumedRole role{Of(profile, "role_arn"), Of(profile, "role_session_name"), Of(profile, "external_id")};
    if (!role.arn.empty() && profile.contains("web_identity_token_file")) {
      return WithWebIdentity(Of(profile, "web_identity_token_file"), role);
    }
    if (!role.arn.empty() && profile.contains("source_profile")) {
      const std::string source = Of(profile, "source_profile");
      if (sources_max == 0) return absl::UnauthenticatedError("s3: too many profiles that name each other as source");
      if (source == name && !has_keys) {
        return absl::UnauthenticatedError(fmt::format("s3: profile '{}' is its own source, without keys", name));
      }
      if (source == name) return AssumeRole(Service(), role, keys);
      ASSIGN_OR_RETURN(const AwsCredentials own, FromProfile(source, sources_max - 1));
      return AssumeRole(Service(), role, own);
    }
    if (has_keys) return keys;
    for (const char* unknown : {"sso_session", "sso_start_url", "credential_process", "credential_source"}) {
      if (!profile.contains(unknown)) continue;
      return absl::UnauthenticatedError(
          fmt::format("s3: profile '{}' uses {}, which smelt does not know. Put its keys into the environment: eval "
                      "\"$(aws configure export-credentials --format env)\"",
                      name, unknown));
    }
    return absl::NotFoundError("");
  }

  const std::string profile_;
  const CredentialsEnvironment environment_;
  Http& http_;
  Clock& clock_;
};

class ChainSource : public RefreshingCredentials {
 public:
  ChainSource(std::shared_ptr<Chain> chain, Clock& clock)
      : RefreshingCredentials(clock, [chain] { return chain->Fetch(); }) {}
};

class NoHttp : public Http {
 public:
  absl::StatusOr<HttpAnswer> Send(const HttpRequest&) override { return absl::UnavailableError("no network here"); }
};

}  // namespace

CredentialsEnvironment CredentialsEnvironment::System() {
  const auto variable = [](const std::string& name) -> std::string {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? "" : value;
  };
  const auto read_file = [](const std::string& path) -> absl::StatusOr<std::string> {
    std::ifstream file(path, std::ios::binary);
    if (!file) return absl::NotFoundError("cannot read " + path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  };
  return {variable, read_file};
}

std::unique_ptr<CredentialsSource> OpenCredentials(std::string profile, CredentialsEnvironment environment, Http& http,
                                                   Clock& clock) {
  return std::make_unique<ChainSource>(std::make_shared<Chain>(std::move(profile), std::move(environment), http, clock),
                                       clock);
}

std::string RegionOf(const std::string& profile, const CredentialsEnvironment& environment) {
  NoHttp http;
  return Chain(profile, environment, http, Clock::System()).Region();
}

std::string EndpointOf(const std::string& profile, const CredentialsEnvironment& environment) {
  NoHttp http;
  return Chain(profile, environment, http, Clock::System()).Endpoint();
}

}  // namespace smelt
