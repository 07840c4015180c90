#include "src/auth/token_authenticator.h"

#include <openssl/mem.h>

#include <algorithm>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

constexpr std::size_t kTokenCharactersMin = 20;

}  // namespace

absl::StatusOr<std::string> HashToken(std::string_view token) {
  if (token.size() < kTokenCharactersMin) {
    return absl::InvalidArgumentError(
        fmt::format("a token needs at least {} characters, so that nobody guesses it; `openssl rand -hex 32` makes one",
                    kTokenCharactersMin));
  }
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7f; })) {
    return absl::InvalidArgumentError("a token consists of ASCII characters without spaces");
  }
  return DigestOf(token).Hex();
}

TokenAuthenticator::TokenAuthenticator(const std::vector<AuthOptions::Token>& tokens) {
  for (const AuthOptions::Token& token : tokens) {
    identities_.emplace_back(token.sha256, MakeIdentity(token.name, token.grant));
  }
}

std::optional<absl::StatusOr<Identity>> TokenAuthenticator::Identify(const Proof& proof) {
  if (proof.token.size() < kTokenCharactersMin) return std::nullopt;  // whoever made its digest
  const std::string digest = DigestOf(proof.token).Hex();
  const Identity* found = nullptr;
  for (const auto& [known, identity] : identities_) {
    if (known.size() == digest.size() && CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0) {
      found = &identity;
    }
  }
  if (!found) return std::nullopt;
  return *found;
}

}  // namespace smelt
