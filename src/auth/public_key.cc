#include "src/auth/public_key.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

constexpr unsigned kRsaBitsMin = 2048, kRsaBitsMax = 8192;
constexpr std::size_t kExponentBytesMax = 4, kCoordinateBytes = 32;

const std::uint8_t* Data(std::string_view bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

bssl::UniquePtr<BIGNUM> Number(std::string_view bytes) {
  return bssl::UniquePtr<BIGNUM>(BN_bin2bn(Data(bytes), bytes.size(), nullptr));
}

bool VerifiesEc(EC_KEY* key, const Digest& digest, std::string_view signature) {
  if (signature.size() != 2 * kCoordinateBytes) return false;
  bssl::UniquePtr<ECDSA_SIG> parts(ECDSA_SIG_new());
  bssl::UniquePtr<BIGNUM> r = Number(signature.substr(0, kCoordinateBytes));
  bssl::UniquePtr<BIGNUM> s = Number(signature.substr(kCoordinateBytes));
  if (!parts || !r || !s || !ECDSA_SIG_set0(parts.get(), r.release(), s.release())) return false;
  return ECDSA_do_verify(digest.hash.data(), digest.hash.size(), parts.get(), key) == 1;
}

bool VerifiesRsa(RSA* key, const Digest& digest, std::string_view signature) {
  return RSA_verify(NID_sha256, digest.hash.data(), digest.hash.size(), Data(signature), signature.size(), key) == 1;
}

}  // namespace

struct PublicKey::Key {
  bssl::UniquePtr<RSA> rsa;
  bssl::UniquePtr<EC_KEY> ec;
};

absl::StatusOr<PublicKey> PublicKey::Rsa(std::string_view modulus, std::string_view exponent) {
  bssl::UniquePtr<BIGNUM> n = Number(modulus), e = Number(exponent);
  const unsigned bits = n ? BN_num_bits(n.get()) : 0;
  if (bits < kRsaBitsMin || bits > kRsaBitsMax) {
    return absl::InvalidArgumentError(
        fmt::format("an RSA key of {} bits; {} to {} are accepted", bits, kRsaBitsMin, kRsaBitsMax));
  }
  if (!e || exponent.size() > kExponentBytesMax || !BN_is_odd(e.get()) || BN_num_bits(e.get()) < 2) {
    return absl::InvalidArgumentError("an RSA key with an exponent that cannot be");
  }
  auto key = std::make_shared<Key>();
  key->rsa.reset(RSA_new());
  if (!key->rsa || !RSA_set0_key(key->rsa.get(), n.release(), e.release(), nullptr)) {
    return absl::InvalidArgumentError("an RSA key that cannot be");
  }
  return PublicKey(std::move(key));
}

absl::StatusOr<PublicKey> PublicKey::P256(std::string_view x, std::string_view y) {
  auto key = std::make_shared<Key>();
  key->ec.reset(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  bssl::UniquePtr<BIGNUM> bx = Number(x), by = Number(y);
  if (x.size() != kCoordinateBytes || y.size() != kCoordinateBytes || !key->ec || !bx || !by ||
      !EC_KEY_set_public_key_affine_coordinates(key->ec.get(), bx.get(), by.get())) {
    return absl::InvalidArgumentError("a P-256 key that is no point of the curve");
  }
  return PublicKey(std::move(key));
}

SignatureAlgorithm PublicKey::algorithm() const {
  return key_->rsa ? SignatureAlgorithm::kRs256 : SignatureAlgorithm::kEs256;
}

bool PublicKey::Verifies(std::string_view bytes, std::string_view signature) const {
  const Digest digest = DigestOf(bytes);
  return key_->rsa ? VerifiesRsa(key_->rsa.get(), digest, signature) : VerifiesEc(key_->ec.get(), digest, signature);
}

}  // namespace smelt
