#include "src/auth/certificate_authenticator.h"

#include <string>

namespace smelt {

CertificateAuthenticator::CertificateAuthenticator(const std::vector<AuthOptions::Certificate>& certificates) {
  for (const AuthOptions::Certificate& certificate : certificates) {
    rules_.emplace_back(Glob(certificate.name), certificate.grant);
  }
}

std::optional<absl::StatusOr<Identity>> CertificateAuthenticator::Identify(const Proof& proof) {
  for (const auto& [pattern, grant] : rules_) {
    for (const std::string& name : proof.certificate_names) {
      if (pattern.Matches(name)) return MakeIdentity(name, grant);
    }
  }
  return std::nullopt;
}

}  // namespace smelt
