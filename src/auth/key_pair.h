#ifndef SMELT_AUTH_KEY_PAIR_H_
#define SMELT_AUTH_KEY_PAIR_H_

#include <string>

#include "absl/status/status.h"

namespace smelt {

// Whether the first certificate of `certificates` is that of `private_key`, both PEM. INVALID_ARGUMENT, without any of
// the texts, if it is not, or if either is none; a key that wants a passphrase is none.
absl::Status CheckKeyPair(const std::string& certificates, const std::string& private_key);

}  // namespace smelt

#endif  // SMELT_AUTH_KEY_PAIR_H_
