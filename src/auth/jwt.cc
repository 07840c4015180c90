#include "src/auth/jwt.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "src/auth/base64.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTokenBytesMax = 16 << 10;
constexpr double kSecondsMax = 1e11;
constexpr std::int64_t kLeewaySeconds = 60;

absl::Status Wrong(std::string_view what) {
  return absl::UnauthenticatedError(fmt::format("the token is not accepted: {}", what));
}

absl::StatusOr<Json> ParsePart(std::string_view part, std::string_view name) {
  const std::optional<std::string> text = DecodeBase64Url(part);
  if (!text) return Wrong(fmt::format("its {} is not base64url", name));
  Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Wrong(fmt::format("its {} is no JSON object", name));
  return json;
}

absl::Status ReadText(const Json& json, const char* name, std::string& target) {
  auto found = json.find(name);
  if (found == json.end()) return absl::OkStatus();
  if (!found->is_string()) return Wrong(fmt::format("\"{}\" is no string", name));
  target = found->get<std::string>();
  return absl::OkStatus();
}

absl::Status ReadTime(const Json& json, const char* name, std::optional<std::int64_t>& target) {
  auto found = json.find(name);
  if (found == json.end()) return absl::OkStatus();
  const double seconds = found->is_number() ? found->get<double>() : -1;
  if (!(seconds >= 0 && seconds <= kSecondsMax)) return Wrong(fmt::format("\"{}\" is no time", name));
  target = static_cast<std::int64_t>(seconds);
  return absl::OkStatus();
}

absl::Status ReadAudiences(const Json& json, std::vector<std::string>& target) {
  auto found = json.find("aud");
  if (found == json.end()) return absl::OkStatus();
  const Json list = found->is_array() ? *found : Json::array({*found});
  for (const Json& audience : list) {
    if (!audience.is_string()) return Wrong("\"aud\" is neither a string nor a list of strings");
    target.push_back(audience.get<std::string>());
  }
  return absl::OkStatus();
}

absl::Status ReadHeader(const Json& json, Jwt& jwt) {
  std::string algorithm;
  RETURN_IF_ERROR(ReadText(json, "alg", algorithm));
  if (algorithm != "ES256" && algorithm != "RS256") return Wrong("its \"alg\" is neither ES256 nor RS256");
  jwt.algorithm = algorithm == "ES256" ? SignatureAlgorithm::kEs256 : SignatureAlgorithm::kRs256;
  if (json.contains("crit")) return Wrong("it has critical extensions");
  return ReadText(json, "kid", jwt.key_id);
}

absl::Status ReadClaims(const Json& json, Jwt& jwt) {
  RETURN_IF_ERROR(ReadText(json, "iss", jwt.issuer));
  RETURN_IF_ERROR(ReadText(json, "sub", jwt.subject));
  RETURN_IF_ERROR(ReadAudiences(json, jwt.audiences));
  RETURN_IF_ERROR(ReadTime(json, "exp", jwt.expires));
  RETURN_IF_ERROR(ReadTime(json, "nbf", jwt.not_before));
  RETURN_IF_ERROR(ReadTime(json, "iat", jwt.issued_at));
  for (const auto& [name, value] : json.items()) {
    if (value.is_string()) jwt.claims[name] = value.get<std::string>();
    if (value.is_number_integer() || value.is_boolean()) jwt.claims[name] = value.dump();
  }
  return absl::OkStatus();
}

}  // namespace

bool LooksLikeJwt(std::string_view token) { return std::count(token.begin(), token.end(), '.') == 2; }

absl::StatusOr<Jwt> ParseJwt(std::string_view token) {
  if (token.size() > kTokenBytesMax) return Wrong("it is longer than 16 KiB");
  if (!LooksLikeJwt(token)) return Wrong("it does not consist of three parts");
  const std::size_t first = token.find('.'), second = token.rfind('.');
  ASSIGN_OR_RETURN(const Json header, ParsePart(token.substr(0, first), "header"));
  ASSIGN_OR_RETURN(const Json claims, ParsePart(token.substr(first + 1, second - first - 1), "payload"));
  std::optional<std::string> signature = DecodeBase64Url(token.substr(second + 1));
  if (!signature || signature->empty()) return Wrong("its signature is not base64url");
  Jwt jwt;
  RETURN_IF_ERROR(ReadHeader(header, jwt));
  RETURN_IF_ERROR(ReadClaims(claims, jwt));
  jwt.signed_part = std::string(token.substr(0, second));
  jwt.signature = *std::move(signature);
  return jwt;
}

absl::Status CheckTimes(const Jwt& jwt, std::int64_t now_seconds, std::int64_t lifetime_seconds_max) {
  if (!jwt.expires) return Wrong("it never expires; \"exp\" must be there");
  if (*jwt.expires + kLeewaySeconds <= now_seconds) {
    return Wrong(fmt::format("it has expired {} s ago", now_seconds - *jwt.expires));
  }
  if (jwt.not_before && *jwt.not_before - kLeewaySeconds > now_seconds) return Wrong("\"nbf\" lies in the future");
  if (jwt.issued_at && *jwt.issued_at - kLeewaySeconds > now_seconds) return Wrong("\"iat\" lies in the future");
  if (*jwt.expires - jwt.issued_at.value_or(now_seconds) > lifetime_seconds_max + kLeewaySeconds) {
    return Wrong(fmt::format("it is made for longer than the {} s that this server accepts", lifetime_seconds_max));
  }
  return absl::OkStatus();
}

}  // namespace smelt
