#ifndef SMELT_AUTH_PUBLIC_KEY_H_
#define SMELT_AUTH_PUBLIC_KEY_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

namespace smelt {

// The signatures that tokens may have. There are no others: neither "none" nor those with a shared secret.
enum class SignatureAlgorithm {
  kEs256,  // ECDSA on P-256 with SHA-256; 64 bytes, r and s
  kRs256,  // RSA PKCS#1 v1.5 with SHA-256
};

// A key that verifies signatures of one algorithm. A value; copies share the key. Thread-safe.
class PublicKey {
 public:
  // Numbers as big-endian bytes. INVALID_ARGUMENT for a modulus under 2048 or over 8192 bits, an exponent that is no
  // exponent, and a point that is not on the curve.
  static absl::StatusOr<PublicKey> Rsa(std::string_view modulus, std::string_view exponent);
  static absl::StatusOr<PublicKey> P256(std::string_view x, std::string_view y);

  SignatureAlgorithm algorithm() const;

  // Whether `signature` is one of `bytes` by the owner of this key.
  bool Verifies(std::string_view bytes, std::string_view signature) const;

 private:
  struct Key;
  explicit PublicKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}
  std::shared_ptr<const Key> key_;
};

}  // namespace smelt

#endif  // SMELT_AUTH_PUBLIC_KEY_H_
