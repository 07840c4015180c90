#include "src/auth/jwt_authenticator.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

constexpr std::int64_t kRememberSeconds = 300;
constexpr std::size_t kRememberedMax = 4096;

absl::Status Wrong(std::string_view what) {
  return absl::UnauthenticatedError(fmt::format("the token is not accepted: {}", what));
}

bool Fits(const AuthOptions::Jwt::Rule& rule, const Jwt& jwt) {
  return std::all_of(rule.claims.begin(), rule.claims.end(), [&](const auto& wanted) {
    auto found = jwt.claims.find(wanted.first);
    return found != jwt.claims.end() && Glob(wanted.second).Matches(found->second);
  });
}

// Instances that need a claim which is not there are left out.
Identity IdentityOf(const AuthOptions::Jwt::Rule& rule, const Jwt& jwt) {
  Identity identity{jwt.subject.empty() ? jwt.issuer : jwt.subject, rule.grant.role, {}};
  for (const std::string& instance : rule.grant.instances) {
    std::optional<Glob> expanded = Glob(instance).Expand([&](std::string_view name) -> std::optional<std::string> {
      auto found = jwt.claims.find(std::string(name));
      return found == jwt.claims.end() ? std::nullopt : std::optional(found->second);
    });
    if (expanded) identity.instances.push_back(*std::move(expanded));
  }
  return identity;
}

}  // namespace

JwtAuthenticator::JwtAuthenticator(const std::vector<AuthOptions::Jwt>& issuers, Clock& clock)
    : JwtAuthenticator(issuers, clock, [](const AuthOptions::Jwt& issuer) {
        return issuer.jwks_url.empty() ? KeysInFile(issuer.jwks_file) : KeysAtUrl(issuer.jwks_url);
      }) {}

JwtAuthenticator::JwtAuthenticator(const std::vector<AuthOptions::Jwt>& issuers, Clock& clock,
                                   const ReadKeysOf& read_keys)
    : clock_(clock) {
  for (const AuthOptions::Jwt& issuer : issuers) {
    issuers_.push_back({issuer, std::make_unique<KeyCache>(read_keys(issuer), clock)});
  }
}

std::optional<absl::StatusOr<Identity>> JwtAuthenticator::Identify(const Proof& proof) {
  if (issuers_.empty() || !LooksLikeJwt(proof.token)) return std::nullopt;
  const std::int64_t now = clock_.NowNanos() / 1'000'000'000;
  const Digest digest = DigestOf(proof.token);
  {
    std::lock_guard lock(mu_);
    auto found = good_.find(digest);
    if (found != good_.end() && now < found->second.until_seconds) return found->second.identity;
  }
  absl::StatusOr<Good> good = Check(proof.token, now);
  if (!good.ok()) return good.status();
  Remember(digest, *good, now);
  return std::move(good)->identity;
}

absl::StatusOr<JwtAuthenticator::Good> JwtAuthenticator::Check(const std::string& token, std::int64_t now_seconds) {
  ASSIGN_OR_RETURN(const Jwt jwt, ParseJwt(token));
  const Issuer* issuer = nullptr;
  for (const Issuer& known : issuers_) {
    if (known.options.issuer == jwt.issuer) issuer = &known;
  }
  if (!issuer) return Wrong("its issuer is none that this server knows");
  ASSIGN_OR_RETURN(const PublicKey key, issuer->keys->Find(jwt.key_id, jwt.algorithm));
  if (!key.Verifies(jwt.signed_part, jwt.signature)) return Wrong("its signature is wrong");
  if (std::find(jwt.audiences.begin(), jwt.audiences.end(), issuer->options.audience) == jwt.audiences.end()) {
    return Wrong(fmt::format("it is made for another audience than '{}'", issuer->options.audience));
  }
  RETURN_IF_ERROR(CheckTimes(jwt, now_seconds, issuer->options.lifetime_seconds_max));
  for (const AuthOptions::Jwt::Rule& rule : issuer->options.rules) {
    if (Fits(rule, jwt)) return Good{IdentityOf(rule, jwt), std::min(*jwt.expires, now_seconds + kRememberSeconds)};
  }
  return absl::PermissionDeniedError("the token is good, but no rule of this server fits its claims");
}

void JwtAuthenticator::Remember(const Digest& token, const Good& good, std::int64_t now_seconds) {
  std::lock_guard lock(mu_);
  if (good_.size() >= kRememberedMax) {
    absl::erase_if(good_, [&](const auto& entry) { return entry.second.until_seconds <= now_seconds; });
  }
  if (good_.size() >= kRememberedMax) good_.clear();
  good_.insert_or_assign(token, good);
}

}  // namespace smelt
