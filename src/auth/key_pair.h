#ifndef SMELT_AUTH_KEY_PAIR_H_
#define SMELT_AUTH_KEY_PAIR_H_

#include <string>

#include "absl/status/status.h"

namespace smelt {

// What texts in PEM hold. INVALID_ARGUMENT, without any of the text, if it is not that.

// One certificate or more.
absl::Status CheckCertificates(const std::string& text);

// A key that wants no passphrase.
absl::Status CheckPrivateKey(const std::string& text);

// The first of `certificates` is that of `private_key`.
absl::Status CheckKeyPair(const std::string& certificates, const std::string& private_key);

}  // namespace smelt

#endif  // SMELT_AUTH_KEY_PAIR_H_
