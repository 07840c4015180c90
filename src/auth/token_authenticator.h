#ifndef SMELT_AUTH_TOKEN_AUTHENTICATOR_H_
#define SMELT_AUTH_TOKEN_AUTHENTICATOR_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "src/auth/authenticator.h"

namespace smelt {

// What the configuration keeps of a token: the 64 hexadecimal digits of its SHA-256. INVALID_ARGUMENT for a token that
// could be guessed or cannot be sent: under 20 characters, or with spaces or other than ASCII.
absl::StatusOr<std::string> HashToken(std::string_view token);

// Static tokens. How long a look takes does not depend on which token it is, nor on how much of it is right.
class TokenAuthenticator : public Authenticator {
 public:
  explicit TokenAuthenticator(const std::vector<AuthOptions::Token>& tokens);

  std::optional<absl::StatusOr<Identity>> Identify(const Proof& proof) override;

 private:
  std::vector<std::pair<std::string, Identity>> identities_;  // by digest in hexadecimal
};

}  // namespace smelt

#endif  // SMELT_AUTH_TOKEN_AUTHENTICATOR_H_
