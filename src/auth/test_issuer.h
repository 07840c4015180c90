#ifndef SMELT_AUTH_TEST_ISSUER_H_
#define SMELT_AUTH_TEST_ISSUER_H_

#include <memory>
#include <string>
#include <string_view>

namespace smelt {

// An issuer of tokens for tests: one key for each algorithm, made anew for each process. Thread-safe.
class TestIssuer {
 public:
  TestIssuer();
  ~TestIssuer();

  // The public keys, with the ids "ec" and "rsa".
  std::string Jwks() const;

  // A token with a good signature. The algorithm is that of `key_id`, whatever the header says.
  std::string Sign(std::string_view header_json, std::string_view claims_json, std::string_view key_id) const;

  // The same with the right header.
  std::string Es256(std::string_view claims_json) const;
  std::string Rs256(std::string_view claims_json) const;

  // The signature itself, of any bytes: for tokens that are put together by hand.
  std::string Signature(std::string_view bytes, std::string_view key_id) const;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
};

std::string EncodeBase64Url(std::string_view bytes);

}  // namespace smelt

#endif  // SMELT_AUTH_TEST_ISSUER_H_
