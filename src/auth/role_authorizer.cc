#include "src/auth/role_authorizer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/auth/base64.h"
#include "src/auth/certificate_authenticator.h"
#include "src/auth/jwt_authenticator.h"
#include "src/auth/token_authenticator.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

bool HasScheme(std::string_view header, std::string_view scheme) {
  return header.size() > scheme.size() && header[scheme.size()] == ' ' &&
         std::equal(scheme.begin(), scheme.end(), header.begin(), [](char a, char b) { return a == (b | 0x20); });
}

// The token of a header "Bearer TOKEN", or "Basic " with the token as the password, whatever the user's name.
absl::StatusOr<std::string> TokenIn(std::string_view header) {
  std::string_view rest = header.substr(std::min(header.size(), header.find(' ')));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  if (HasScheme(header, "bearer")) return std::string(rest);
  if (!HasScheme(header, "basic")) {
    return absl::UnauthenticatedError("the header 'authorization' begins with neither Bearer nor Basic");
  }
  const std::optional<std::string> pair = DecodeBase64(rest);
  const std::size_t colon = pair ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos) {
    return absl::UnauthenticatedError("the header 'authorization' is not base64 of a name, a colon and a password");
  }
  return pair->substr(colon + 1);
}

}  // namespace

RoleAuthorizer::RoleAuthorizer(std::vector<std::unique_ptr<Authenticator>> authenticators,
                               std::optional<AuthOptions::Grant> anonymous)
    : authenticators_(std::move(authenticators)) {
  if (anonymous) anonymous_ = MakeIdentity("anonymous", *anonymous);
}

absl::StatusOr<Principal> RoleAuthorizer::Authorize(const Credentials& credentials,
                                                    std::optional<std::string_view> instance, Permission permission) {
  ASSIGN_OR_RETURN(Identity identity, Identify(credentials));
  const bool inside = std::any_of(identity.instances.begin(), identity.instances.end(),
                                  [&](const Glob& pattern) { return !instance || pattern.Matches(*instance); });
  if (!inside) {
    return absl::PermissionDeniedError(
        fmt::format("'{}' may not use {}", identity.name,
                    instance ? fmt::format("the instance '{}'", instance->substr(0, 256)) : "any instance"));
  }
  if (!May(identity.role, permission)) {
    return absl::PermissionDeniedError(
        fmt::format("'{}' is a {} and may not {}", identity.name, NameOf(identity.role), NameOf(permission)));
  }
  return Principal{std::move(identity.name), std::string(NameOf(identity.role))};
}

absl::StatusOr<Identity> RoleAuthorizer::Identify(const Credentials& credentials) {
  Proof proof{"", credentials.certificate_names};
  if (!credentials.authorization.empty()) {
    ASSIGN_OR_RETURN(proof.token, TokenIn(credentials.authorization));
    if (proof.token.empty()) return absl::UnauthenticatedError("the header 'authorization' has no token");
    proof.certificate_names.clear();
  }
  for (const std::unique_ptr<Authenticator>& authenticator : authenticators_) {
    if (std::optional<absl::StatusOr<Identity>> identity = authenticator->Identify(proof)) return *std::move(identity);
  }
  if (!proof.token.empty()) return absl::UnauthenticatedError("the token is none that this server knows");
  if (anonymous_) return *anonymous_;
  if (!proof.certificate_names.empty()) {
    return absl::UnauthenticatedError("no rule of this server fits the client certificate's names");
  }
  return absl::UnauthenticatedError("this server wants a token (header 'authorization') or a client certificate");
}

std::unique_ptr<Authorizer> MakeAuthorizer(const AuthOptions& options, Clock& clock) {
  if (options.empty() && !options.anonymous) return std::make_unique<AllowAll>();
  std::vector<std::unique_ptr<Authenticator>> authenticators;
  authenticators.push_back(std::make_unique<TokenAuthenticator>(options.tokens));
  authenticators.push_back(std::make_unique<JwtAuthenticator>(options.jwts, clock));
  authenticators.push_back(std::make_unique<CertificateAuthenticator>(options.certificates));
  return std::make_unique<RoleAuthorizer>(std::move(authenticators), options.anonymous);
}

}  // namespace smelt
