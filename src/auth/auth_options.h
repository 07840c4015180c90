#ifndef SMELT_AUTH_AUTH_OPTIONS_H_
#define SMELT_AUTH_AUTH_OPTIONS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "src/auth/role.h"

namespace smelt {

// Who may do what, as the server's configuration says it (docs/server.md). Patterns are those of src/base/glob.h.
struct AuthOptions {
  // What somebody may do, and in which instances (patterns of instance names).
  struct Grant {
    Role role = Role::kReader;
    std::vector<std::string> instances = {"*"};
  };

  // A secret of which only the digest is kept.
  struct Token {
    std::string name;    // for the log
    std::string sha256;  // 64 lower-case hexadecimal digits
    Grant grant;
  };

  // JSON Web Tokens of one issuer. The first rule that fits says what their bearer may do.
  struct Jwt {
    struct Rule {
      std::map<std::string, std::string> claims;  // name -> pattern; all must match
      Grant grant;                                // `{claim}` in an instance stands for that claim's value
    };
    std::string issuer, audience;
    std::string jwks_file, jwks_url;           // the keys: one of the two
    std::int64_t lifetime_seconds_max = 3600;  // from "iat" (else from now) to "exp"
    std::vector<Rule> rules;
  };

  // Client certificates, which TLS has verified.
  struct Certificate {
    std::string name;  // pattern; of a subject alternative name or the common name
    Grant grant;
  };

  std::optional<Grant> anonymous;  // for callers without credentials
  std::vector<Token> tokens;
  std::vector<Jwt> jwts;
  std::vector<Certificate> certificates;

  // True if nobody can be told from anybody.
  bool empty() const { return tokens.empty() && jwts.empty() && certificates.empty(); }
};

// INVALID_ARGUMENT, saying what would be right, for a URL that keys are not read from: https only, but for loopback.
absl::Status CheckKeysUrl(const std::string& url);

}  // namespace smelt

#endif  // SMELT_AUTH_AUTH_OPTIONS_H_
