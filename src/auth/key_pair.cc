#include "src/auth/key_pair.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace smelt {
namespace {

bssl::UniquePtr<X509> FirstCertificate(const std::string& text) {
  const bssl::UniquePtr<BIO> reader(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  bssl::UniquePtr<X509> certificate(PEM_read_bio_X509(reader.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

// Without a passphrase, and without asking a terminal for one.
bssl::UniquePtr<EVP_PKEY> Key(const std::string& text) {
  const bssl::UniquePtr<BIO> reader(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const auto no_passphrase = [](char*, int, int, void*) { return 0; };
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

}  // namespace

absl::Status CheckCertificates(const std::string& text) {
  return FirstCertificate(text) ? absl::OkStatus() : absl::InvalidArgumentError("holds no certificate in PEM");
}

absl::Status CheckPrivateKey(const std::string& text) {
  if (Key(text)) return absl::OkStatus();
  return absl::InvalidArgumentError("holds no key in PEM that can be read without a passphrase");
}

absl::Status CheckKeyPair(const std::string& certificates, const std::string& private_key) {
  const bssl::UniquePtr<X509> certificate = FirstCertificate(certificates);
  const bssl::UniquePtr<EVP_PKEY> key = Key(private_key);
  const bool same = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return same ? absl::OkStatus() : absl::InvalidArgumentError("the certificate is that of another key");
}

}  // namespace smelt
