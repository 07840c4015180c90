#ifndef SMELT_AUTH_AUTHENTICATOR_H_
#define SMELT_AUTH_AUTHENTICATOR_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/auth/auth_options.h"
#include "src/auth/role.h"
#include "src/base/glob.h"

namespace smelt {

// What a call shows: parsed from Credentials.
struct Proof {
  std::string token;  // empty without one
  std::vector<std::string> certificate_names;
};

// Who somebody is, and what follows from it.
struct Identity {
  std::string name;  // never a secret
  Role role = Role::kReader;
  std::vector<Glob> instances;
};

// One way to tell who somebody is. Thread-safe.
class Authenticator {
 public:
  virtual ~Authenticator() = default;

  // nullopt if this proof is not of the kind that it knows: another one may. UNAUTHENTICATED, saying what is wrong and
  // never showing the proof, if it is of its kind and not good; PERMISSION_DENIED if it is good and no rule fits.
  virtual std::optional<absl::StatusOr<Identity>> Identify(const Proof& proof) = 0;
};

Identity MakeIdentity(std::string name, const AuthOptions::Grant& grant);

}  // namespace smelt

#endif  // SMELT_AUTH_AUTHENTICATOR_H_
