// A header "authorization", whatever it holds, is the one good token or lets nobody in; no refusal shows what was sent.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/auth/base64.h"
#include "src/auth/role_authorizer.h"
#include "src/auth/token_authenticator.h"
#include "src/testing/fake_clock.h"

namespace smelt {
namespace {

constexpr char kToken[] = "0123456789abcdef0123";

// The token, a JWT that cannot be good since its issuer's keys cannot be read, a certificate.
Authorizer& TheAuthorizer() {
  static FakeClock* const clock = new FakeClock;
  static Authorizer* const authorizer = [] {
    AuthOptions options;
    options.tokens = {{"ci", HashToken(kToken).value_or(""), {Role::kWriter, {"main", "pr/*"}}}};
    options.jwts = {{"https://ci.example.com", "smelt", "/dev/null/keys", "", 3600, {{{{"sub", "*"}}, {}}}}};
    options.certificates = {{"*", {}}};
    return MakeAuthorizer(options, *clock).release();
  }();
  return *authorizer;
}

// What follows the scheme.
std::string_view SentIn(std::string_view header) {
  const std::size_t space = std::min(header.find(' '), header.size());
  return header.substr(std::min(header.find_first_not_of(' ', space), header.size()));
}

bool IsTheToken(std::string_view sent) {
  const auto pair = DecodeBase64(sent);
  return sent == kToken || (pair && pair->ends_with(std::string(":") + kToken));
}

absl::StatusOr<Principal> Authorize(const std::string& header) {
  Credentials credentials;
  credentials.authorization = header;
  return TheAuthorizer().Authorize(credentials, "main", Permission::kWriteActions);
}

// Refusals have words of their own: those that they have for somebody else, too, are nobody's secret.
bool AreWordsOfARefusal(std::string_view sent) {
  static const std::string& messages = *[] {
    auto* text = new std::string;
    for (const char* header : {"Bearer x", "Bearer x.y.z", "Basic !", "Basic eDp4"}) {
      *text += std::string(Authorize(header).status().message()) + "\n";
    }
    return text;
  }();
  return messages.find(sent) != messages.npos;
}

}  // namespace
}  // namespace smelt

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kTellingBytes = 20;  // shorter ones may be part of any message
  const std::string header(reinterpret_cast<const char*>(data), size);
  const std::string_view sent = smelt::SentIn(header);
  const auto principal = smelt::Authorize(header);
  if (principal.ok() && (principal->name != "ci" || !smelt::IsTheToken(sent))) std::abort();
  const std::string message(principal.status().message());
  const bool is_proof = header.starts_with("Bearer ") || header.starts_with("Basic ");
  const bool is_shown = sent.size() >= kTellingBytes && message.find(sent) != message.npos;
  if (is_proof && is_shown && !smelt::AreWordsOfARefusal(sent)) std::abort();
  return 0;
}
