#ifndef SMELT_AUTH_JWT_AUTHENTICATOR_H_
#define SMELT_AUTH_JWT_AUTHENTICATOR_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "src/auth/authenticator.h"
#include "src/auth/jwt.h"
#include "src/auth/key_cache.h"
#include "src/base/clock.h"
#include "src/digest/digest.h"

namespace smelt {

// JSON Web Tokens: signature, issuer, audience and times are checked, then the rules say who the bearer is. A token
// that was good is remembered by its digest, so that the next call with it costs no signature: for five minutes at
// most, and never beyond its end. `clock` lives longer than this.
class JwtAuthenticator : public Authenticator {
 public:
  // The keys of each issuer are read with `read_keys`; the overload without it takes those that the options name.
  using ReadKeysOf = std::function<ReadKeys(const AuthOptions::Jwt& issuer)>;
  JwtAuthenticator(const std::vector<AuthOptions::Jwt>& issuers, Clock& clock);
  JwtAuthenticator(const std::vector<AuthOptions::Jwt>& issuers, Clock& clock, const ReadKeysOf& read_keys);

  std::optional<absl::StatusOr<Identity>> Identify(const Proof& proof) override;

 private:
  struct Issuer {
    AuthOptions::Jwt options;
    std::unique_ptr<KeyCache> keys;
  };
  struct Good {
    Identity identity;
    std::int64_t until_seconds;
  };

  absl::StatusOr<Good> Check(const std::string& token, std::int64_t now_seconds);
  void Remember(const Digest& token, const Good& good, std::int64_t now_seconds);

  Clock& clock_;
  std::vector<Issuer> issuers_;
  std::mutex mu_;
  absl::flat_hash_map<Digest, Good> good_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_AUTH_JWT_AUTHENTICATOR_H_
