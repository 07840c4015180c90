#include "src/config/auth_tables.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

using namespace toml_table;  // NOLINT: the readers' names are made for such files

Reader RoleName(std::optional<Role>& target) {
  return [&target](const Place& place, const toml::value& value) {
    target = ParseRole(value.is_string() ? value.as_string().str : "");
    if (target) return absl::OkStatus();
    return place.Error(value, fmt::format("write one of {} in quotes", std::string(RoleNames())));
  };
}

// Reads `keys` and those of a grant.
absl::Status ReadGrant(const Place& place, const toml::value& value, Keys keys, AuthOptions::Grant& grant) {
  std::optional<Role> role;
  keys.emplace_back("role", RoleName(role));
  keys.emplace_back("instances", Texts(grant.instances));
  RETURN_IF_ERROR(ReadTable(place, value, keys));
  if (!role) return place.Error(value, "needs the key 'role'");
  grant.role = *role;
  return absl::OkStatus();
}

Reader Hash(std::string& target) {
  return [&target](const Place& place, const toml::value& value) {
    std::string_view text = value.is_string() ? std::string_view(value.as_string().str) : std::string_view();
    if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != text.npos) {
      return place.Error(value, "write the 64 hexadecimal digits that `smelt-server hash-token` prints, not the token");
    }
    target = text;
    return absl::OkStatus();
  };
}

Reader Token(std::vector<AuthOptions::Token>& target) {
  return [&target](const Place& place, const toml::value& value) {
    AuthOptions::Token token;
    RETURN_IF_ERROR(ReadGrant(place, value, {{"name", Text(token.name)}, {"sha256", Hash(token.sha256)}}, token.grant));
    if (token.name.empty()) return place.Error(value, "needs the key 'name', for the log");
    if (token.sha256.empty()) return place.Error(value, "needs the key 'sha256'; `smelt-server hash-token` prints it");
    for (const AuthOptions::Token& other : target) {
      if (other.sha256 == token.sha256) {
        return place.Error(value, fmt::format("has the sha256 of '{}': each needs a token of its own", other.name));
      }
    }
    target.push_back(std::move(token));
    return absl::OkStatus();
  };
}

Reader Rule(std::vector<AuthOptions::Jwt::Rule>& target) {
  return [&target](const Place& place, const toml::value& value) {
    AuthOptions::Jwt::Rule rule;
    rule.grant.instances.clear();
    RETURN_IF_ERROR(ReadGrant(place, value, {{"claims", TextMap(rule.claims)}}, rule.grant));
    if (rule.claims.empty()) return place.Error(value, "needs the key 'claims', as { repository = \"acme/app\" }");
    if (rule.grant.instances.empty()) return place.Error(value, "needs the key 'instances', as [\"main\"]");
    target.push_back(std::move(rule));
    return absl::OkStatus();
  };
}

Reader KeysUrl(std::string& target) {
  return [&target](const Place& place, const toml::value& value) {
    const std::string text = value.is_string() ? value.as_string().str : "";
    if (absl::Status status = CheckKeysUrl(text); !status.ok())
      return place.Error(value, std::string(status.message()));
    target = text;
    return absl::OkStatus();
  };
}

Reader Jwt(std::vector<AuthOptions::Jwt>& target, std::vector<NamedFile>& files) {
  return [&target, &files](const Place& place, const toml::value& value) {
    AuthOptions::Jwt jwt;
    RETURN_IF_ERROR(ReadTable(place, value,
                              {{"issuer", Text(jwt.issuer)},
                               {"audience", Text(jwt.audience)},
                               {"jwks_file", FileName(jwt.jwks_file, NamedFile::Holds::kIssuerKeys, files)},
                               {"jwks_url", KeysUrl(jwt.jwks_url)},
                               {"lifetime_max", Duration(jwt.lifetime_seconds_max)},
                               {"rule", Tables(Rule(jwt.rules))}}));
    if (jwt.issuer.empty())
      return place.Error(value, "needs the key 'issuer', exactly as the tokens have it in \"iss\"");
    if (jwt.audience.empty()) return place.Error(value, "needs the key 'audience', as the tokens have it in \"aud\"");
    if (jwt.jwks_file.empty() == jwt.jwks_url.empty()) {
      return place.Error(value, "needs one of the keys 'jwks_url' and 'jwks_file'");
    }
    if (jwt.rules.empty()) return place.Error(value, "needs a [[auth.jwt.rule]], or nobody may do anything");
    target.push_back(std::move(jwt));
    return absl::OkStatus();
  };
}

Reader Certificate(std::vector<AuthOptions::Certificate>& target) {
  return [&target](const Place& place, const toml::value& value) {
    AuthOptions::Certificate certificate;
    RETURN_IF_ERROR(ReadGrant(place, value, {{"name", Text(certificate.name)}}, certificate.grant));
    if (certificate.name.empty()) return place.Error(value, "needs the key 'name', as \"spiffe://example.com/ci/*\"");
    target.push_back(std::move(certificate));
    return absl::OkStatus();
  };
}

Reader Anonymous(std::optional<AuthOptions::Grant>& target) {
  return [&target](const Place& place, const toml::value& value) {
    AuthOptions::Grant grant;
    RETURN_IF_ERROR(ReadGrant(place, value, {}, grant));
    if (grant.role != Role::kReader) return place.Error(value, "the role of the anonymous can only be \"reader\"");
    target = std::move(grant);
    return absl::OkStatus();
  };
}

}  // namespace

Reader Auth(AuthOptions& target, std::vector<NamedFile>& files) {
  return Table({{"anonymous", Anonymous(target.anonymous)},
                {"token", Tables(Token(target.tokens))},
                {"jwt", Tables(Jwt(target.jwts, files))},
                {"certificate", Tables(Certificate(target.certificates))}});
}

}  // namespace smelt
