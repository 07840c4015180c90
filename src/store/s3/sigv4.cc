#include "src/store/s3/sigv4.h"

#include <time.h>

#include <algorithm>
#include <cctype>

#include "fmt/format.h"
#include "src/base/ascii.h"
#include "src/digest/hasher.h"
#include "src/digest/mac.h"

namespace smelt {
namespace {

struct CanonicalHeaders {
  std::string lines;         // "name:value\n"...
  std::string signed_names;  // "a;b"
};

// Without spaces at the ends, and one where there are several.
std::string Squeezed(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

CanonicalHeaders Canonical(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const auto& [name, value] : headers) sorted.emplace_back(LowerCase(name), Squeezed(value));
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  CanonicalHeaders canonical;
  for (const auto& [name, value] : sorted) {
    canonical.lines += name + ":" + value + "\n";
    canonical.signed_names += (canonical.signed_names.empty() ? "" : ";") + name;
  }
  return canonical;
}

std::string SigningKey(const AwsCredentials& credentials, std::string_view day, const ToSign& request) {
  const std::string of_day = HmacSha256("AWS4" + credentials.secret_access_key, day);
  const std::string of_region = HmacSha256(of_day, request.region);
  const std::string of_service = HmacSha256(of_region, request.service);
  return HmacSha256(of_service, "aws4_request");
}

}  // namespace

std::string AmzDate(std::int64_t seconds) {
  const time_t time = seconds;
  tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string UriEscape(std::string_view text, bool keep_slashes) {
  std::string escaped;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~' || (keep_slashes && c == '/');
    if (plain) {
      escaped += c;
    } else {
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

std::string QueryString(std::vector<std::pair<std::string, std::string>> query) {
  for (auto& [name, value] : query) {
    name = UriEscape(name, false);
    value = UriEscape(value, false);
  }
  std::sort(query.begin(), query.end());
  std::string text;
  for (const auto& [name, value] : query) text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

std::string AuthorizationOf(const ToSign& request, const AwsCredentials& credentials) {
  const CanonicalHeaders headers = Canonical(request.headers);
  const std::string canonical = request.method + "\n" + request.path + "\n" + QueryString(request.query) + "\n" +
                                headers.lines + "\n" + headers.signed_names + "\n" + request.payload_sha256;
  const std::string date = AmzDate(request.now_seconds);
  const std::string day = date.substr(0, 8);
  const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, request.region, request.service);
  const std::string text =
      "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + DigestOf(std::string_view(canonical)).Hex();
  return fmt::format("AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}", credentials.access_key_id,
                     scope, headers.signed_names, HexOf(HmacSha256(SigningKey(credentials, day, request), text)));
}

}  // namespace smelt
