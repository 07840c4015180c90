#include "src/auth/test_issuer.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "fmt/format.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

void Check(bool good) {
  if (!good) std::abort();
}

std::string Padded(const BIGNUM* number, std::size_t size) {
  std::string bytes(size, '\0');
  Check(BN_bn2bin_padded(reinterpret_cast<std::uint8_t*>(bytes.data()), size, number));
  return bytes;
}

std::string Number(const BIGNUM* number) { return Padded(number, BN_num_bytes(number)); }

}  // namespace

struct TestIssuer::Keys {
  bssl::UniquePtr<EC_KEY> ec{EC_KEY_new_by_curve_name(NID_X9_62_prime256v1)};
  bssl::UniquePtr<RSA> rsa{RSA_new()};
};

TestIssuer::TestIssuer() : keys_(std::make_unique<Keys>()) {
  Check(EC_KEY_generate_key(keys_->ec.get()));
  bssl::UniquePtr<BIGNUM> exponent(BN_new());
  Check(BN_set_word(exponent.get(), RSA_F4));
  Check(RSA_generate_key_ex(keys_->rsa.get(), 2048, exponent.get(), nullptr));
}

TestIssuer::~TestIssuer() = default;

std::string TestIssuer::Jwks() const {
  bssl::UniquePtr<BIGNUM> x(BN_new()), y(BN_new());
  Check(EC_POINT_get_affine_coordinates_GFp(EC_KEY_get0_group(keys_->ec.get()), EC_KEY_get0_public_key(keys_->ec.get()),
                                            x.get(), y.get(), nullptr));
  return fmt::format(R"({{"keys":[{{"kty":"EC","crv":"P-256","kid":"ec","alg":"ES256","use":"sig","x":"{}","y":"{}"}},)"
                     R"({{"kty":"RSA","kid":"rsa","alg":"RS256","use":"sig","n":"{}","e":"{}"}}]}})",
                     EncodeBase64Url(Padded(x.get(), 32)), EncodeBase64Url(Padded(y.get(), 32)),
                     EncodeBase64Url(Number(RSA_get0_n(keys_->rsa.get()))),
                     EncodeBase64Url(Number(RSA_get0_e(keys_->rsa.get()))));
}

std::string TestIssuer::Signature(std::string_view bytes, std::string_view key_id) const {
  const Digest digest = DigestOf(bytes);
  if (key_id == "ec") {
    bssl::UniquePtr<ECDSA_SIG> signature(ECDSA_do_sign(digest.hash.data(), digest.hash.size(), keys_->ec.get()));
    Check(signature != nullptr);
    return Padded(ECDSA_SIG_get0_r(signature.get()), 32) + Padded(ECDSA_SIG_get0_s(signature.get()), 32);
  }
  std::string signature(RSA_size(keys_->rsa.get()), '\0');
  unsigned size = 0;
  Check(RSA_sign(NID_sha256, digest.hash.data(), digest.hash.size(), reinterpret_cast<std::uint8_t*>(signature.data()),
                 &size, keys_->rsa.get()));
  return signature;
}

std::string TestIssuer::Sign(std::string_view header_json, std::string_view claims_json,
                             std::string_view key_id) const {
  const std::string signed_part = EncodeBase64Url(header_json) + "." + EncodeBase64Url(claims_json);
  return signed_part + "." + EncodeBase64Url(Signature(signed_part, key_id));
}

std::string TestIssuer::Es256(std::string_view claims_json) const {
  return Sign(R"({"alg":"ES256","kid":"ec","typ":"JWT"})", claims_json, "ec");
}

std::string TestIssuer::Rs256(std::string_view claims_json) const {
  return Sign(R"({"alg":"RS256","kid":"rsa","typ":"JWT"})", claims_json, "rsa");
}

std::string EncodeBase64Url(std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  std::uint32_t bits = 0;
  int held = 0;
  for (char c : bytes) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (held += 8; held >= 6; held -= 6) text.push_back(kAlphabet[bits >> (held - 6) & 63]);
  }
  if (held > 0) text.push_back(kAlphabet[bits << (6 - held) & 63]);
  return text;
}

}  // namespace smelt
