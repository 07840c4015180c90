#include "src/auth/key_pair.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace smelt {
namespace {

bssl::UniquePtr<BIO> Reader(const std::string& text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

absl::Status CheckKeyPair(const std::string& certificates, const std::string& private_key) {
  const bssl::UniquePtr<BIO> certificate_text = Reader(certificates), key_text = Reader(private_key);
  const bssl::UniquePtr<X509> certificate(PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr));
  const bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  const bool same = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!certificate) return absl::InvalidArgumentError("the certificate cannot be read");
  if (!key) return absl::InvalidArgumentError("the key cannot be read: it must be one without a passphrase");
  return same ? absl::OkStatus() : absl::InvalidArgumentError("the certificate is that of another key");
}

}  // namespace smelt
