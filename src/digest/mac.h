#ifndef SMELT_DIGEST_MAC_H_
#define SMELT_DIGEST_MAC_H_

#include <string>
#include <string_view>

namespace smelt {

// What requests to S3 are signed with: HMAC-SHA256, 32 bytes.
std::string HmacSha256(std::string_view key, std::string_view text);

// 16 bytes. For the header Content-MD5, which S3 wants; it protects nothing.
std::string Md5Of(std::string_view text);

// Standard alphabet, with padding.
std::string Base64(std::string_view bytes);

// Lower-case hexadecimal digits.
std::string HexOf(std::string_view bytes);

}  // namespace smelt

#endif  // SMELT_DIGEST_MAC_H_
