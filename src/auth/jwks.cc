#include "src/auth/jwks.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/auth/base64.h"

namespace smelt {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTextBytesMax = 1 << 20, kKeysMax = 100;

std::string Text(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

absl::StatusOr<PublicKey> RsaKey(const Json& json) {
  const std::optional<std::string> n = DecodeBase64Url(Text(json, "n")), e = DecodeBase64Url(Text(json, "e"));
  if (!n || !e) return absl::InvalidArgumentError("'n' or 'e' is not base64url");
  return PublicKey::Rsa(*n, *e);
}

absl::StatusOr<PublicKey> EcKey(const Json& json) {
  const std::optional<std::string> x = DecodeBase64Url(Text(json, "x")), y = DecodeBase64Url(Text(json, "y"));
  if (!x || !y) return absl::InvalidArgumentError("'x' or 'y' is not base64url");
  return PublicKey::P256(*x, *y);
}

// nullopt for a key that is not for us.
std::optional<absl::StatusOr<PublicKey>> KeyOf(const Json& json) {
  const std::string type = Text(json, "kty"), use = Text(json, "use"), algorithm = Text(json, "alg");
  if (!use.empty() && use != "sig") return std::nullopt;
  if (type == "RSA" && (algorithm.empty() || algorithm == "RS256")) return RsaKey(json);
  if (type == "EC" && Text(json, "crv") == "P-256" && (algorithm.empty() || algorithm == "ES256")) return EcKey(json);
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Jwks> Jwks::Parse(std::string_view text) {
  if (text.size() > kTextBytesMax) return absl::InvalidArgumentError("a key set of over 1 MiB");
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("keys") || !json["keys"].is_array()) {
    return absl::InvalidArgumentError("not a JSON Web Key Set: {\"keys\": [...]} is expected");
  }
  if (json["keys"].size() > kKeysMax) return absl::InvalidArgumentError("a key set of over 100 keys");
  Jwks keys;
  absl::Status unusable = absl::InvalidArgumentError("no key for ES256 or RS256 in the key set");
  for (const Json& entry : json["keys"]) {
    if (!entry.is_object()) return absl::InvalidArgumentError("a key that is no JSON object");
    std::optional<absl::StatusOr<PublicKey>> key = KeyOf(entry);
    if (!key) continue;
    if (key->ok()) {
      keys.entries_.push_back({Text(entry, "kid"), **std::move(key)});
    } else {
      unusable = absl::InvalidArgumentError(
          fmt::format("key '{}': {}", Text(entry, "kid"), std::string(key->status().message())));
    }
  }
  if (keys.entries_.empty()) return unusable;
  return keys;
}

const PublicKey* Jwks::Find(std::string_view id, SignatureAlgorithm algorithm) const {
  const PublicKey* found = nullptr;
  for (const Entry& entry : entries_) {
    if (entry.key.algorithm() != algorithm || (!id.empty() && entry.id != id)) continue;
    if (found) return nullptr;
    found = &entry.key;
  }
  return found;
}

}  // namespace smelt
