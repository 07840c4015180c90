#ifndef SMELT_AUTH_JWKS_H_
#define SMELT_AUTH_JWKS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/auth/public_key.h"

namespace smelt {

// The keys of an issuer: a JSON Web Key Set (RFC 7517).
class Jwks {
 public:
  // INVALID_ARGUMENT, saying which key and what about it, for text that is no key set, for over 1 MiB, 100 keys, and
  // for a set without a single key that we can use. Keys of other kinds (encryption, shared secrets, other curves), and
  // those that are too short or cannot be, are left out, as RFC 7517 has it: the others are as good as before.
  static absl::StatusOr<Jwks> Parse(std::string_view text);

  // The key with this id and algorithm; for an empty id the only one of its algorithm. Null if there is none.
  const PublicKey* Find(std::string_view id, SignatureAlgorithm algorithm) const;

 private:
  struct Entry {
    std::string id;
    PublicKey key;
  };
  std::vector<Entry> entries_;
};

}  // namespace smelt

#endif  // SMELT_AUTH_JWKS_H_
