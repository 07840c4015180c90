#ifndef SMELT_AUTH_BASE64_H_
#define SMELT_AUTH_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace smelt {

// RFC 4648. nullopt for anything but the one encoding of some bytes: a foreign character, a length that cannot be,
// bits left over that are not zero. Base64 has its padding, base64url (as in JWTs) none.
std::optional<std::string> DecodeBase64(std::string_view text);
std::optional<std::string> DecodeBase64Url(std::string_view text);

}  // namespace smelt

#endif  // SMELT_AUTH_BASE64_H_
