#ifndef SMELT_AUTH_JWT_H_
#define SMELT_AUTH_JWT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/auth/public_key.h"

namespace smelt {

// A JSON Web Token (RFC 7519), taken apart; nothing in it is proven before its signature is verified.
struct Jwt {
  SignatureAlgorithm algorithm = SignatureAlgorithm::kEs256;
  std::string key_id;  // empty without one
  std::string issuer, subject;
  std::vector<std::string> audiences;
  std::optional<std::int64_t> expires, not_before, issued_at;  // seconds since 1970
  std::map<std::string, std::string> claims;  // those that are strings, whole numbers or booleans, as text
  std::string signed_part, signature;
};

// Whether `token` has the form of one: three parts with dots between them.
bool LooksLikeJwt(std::string_view token);

// UNAUTHENTICATED, saying which part is wrong and never showing it, for anything else than a token of one of our
// algorithms with claims of the right types; also for over 16 KiB and for critical extensions.
absl::StatusOr<Jwt> ParseJwt(std::string_view token);

// Whether now is a time at which it counts, with a leeway of a minute for clocks that differ: "exp", which must be
// there, "nbf", "iat"; and whether it was made for longer than `lifetime_seconds_max`. UNAUTHENTICATED says what is
// wrong.
absl::Status CheckTimes(const Jwt& jwt, std::int64_t now_seconds, std::int64_t lifetime_seconds_max);

}  // namespace smelt

#endif  // SMELT_AUTH_JWT_H_
