#ifndef SMELT_AUTH_CERTIFICATE_AUTHENTICATOR_H_
#define SMELT_AUTH_CERTIFICATE_AUTHENTICATOR_H_

#include <utility>
#include <vector>

#include "src/auth/authenticator.h"

namespace smelt {

// Client certificates, which the transport has verified: the first rule that matches one of their names says who it is.
class CertificateAuthenticator : public Authenticator {
 public:
  explicit CertificateAuthenticator(const std::vector<AuthOptions::Certificate>& certificates);

  std::optional<absl::StatusOr<Identity>> Identify(const Proof& proof) override;

 private:
  std::vector<std::pair<Glob, AuthOptions::Grant>> rules_;
};

}  // namespace smelt

#endif  // SMELT_AUTH_CERTIFICATE_AUTHENTICATOR_H_
