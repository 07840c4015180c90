#include "src/testing/s3/fake_s3_request.h"

#include <time.h>

#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "src/digest/hasher.h"
#include "src/digest/mac.h"

namespace smelt::fake_s3_internal {
namespace {

constexpr int kSkewMaxSeconds = 900;

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// The text between `before` and the next comma or space.
std::string Field(std::string_view text, std::string_view before) {
  const std::size_t at = text.find(before);
  if (at == text.npos) return "";
  text.remove_prefix(at + before.size());
  return std::string(text.substr(0, text.find_first_of(", ")));
}

std::string HeaderOf(const ServedRequest& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

// Parameters as they were sent, sorted, each with a "=".
std::string CanonicalQuery(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == target.npos) return "";
  std::map<std::string, std::string> sorted;
  for (const std::string& part : Split(target.substr(mark + 1), '&')) {
    const std::size_t equals = part.find('=');
    sorted[part.substr(0, equals)] = equals == part.npos ? "" : part.substr(equals + 1);
  }
  std::string text;
  for (const auto& [name, value] : sorted) text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

std::int64_t SecondsOf(const std::string& amz_date) {
  tm parts{};
  return ::strptime(amz_date.c_str(), "%Y%m%dT%H%M%SZ", &parts) == nullptr ? 0 : ::timegm(&parts);
}

bool SignsWhatItMust(const ServedRequest& request, const std::string& names) {
  const std::string list = ";" + names + ";";
  for (const auto& [name, value] : request.headers) {
    const bool must = name == "host" || name == "content-md5" || name == "content-type" || name.starts_with("x-amz-");
    if (must && list.find(";" + name + ";") == list.npos) return false;
  }
  return true;
}

}  // namespace

std::string Unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      plain += static_cast<char>(std::strtol(std::string(text.substr(i + 1, 2)).c_str(), nullptr, 16));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::map<std::string, std::string> QueryOf(std::string_view target) {
  std::map<std::string, std::string> query;
  const std::size_t mark = target.find('?');
  if (mark == target.npos) return query;
  for (const std::string& part : Split(target.substr(mark + 1), '&')) {
    const std::size_t equals = part.find('=');
    query[Unescaped(part.substr(0, equals))] = equals == part.npos ? "" : Unescaped(part.substr(equals + 1));
  }
  return query;
}

std::string XmlEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else
      escaped += c;
  }
  return escaped;
}

std::string XmlUnescaped(std::string text) {
  for (const auto& [from, to] : {std::pair("&lt;", "<"), std::pair("&gt;", ">"), std::pair("&amp;", "&")}) {
    for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; ++at) text.replace(at, std::strlen(from), to);
  }
  return text;
}

ServedAnswer Error(int status, std::string_view code, std::string_view message) {
  return {status,
          {{"Content-Type", "application/xml"}},
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + std::string(code) + "</Code><Message>" +
              XmlEscaped(message) + "</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>"};
}

std::vector<std::string> Elements(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">", close = "</" + std::string(name) + ">";
  std::vector<std::string> found;
  for (std::size_t at = 0; (at = xml.find(open, at)) != xml.npos;) {
    at += open.size();
    const std::size_t end = xml.find(close, at);
    if (end == xml.npos) return found;
    found.push_back(XmlUnescaped(std::string(xml.substr(at, end - at))));
    at = end;
  }
  return found;
}

std::string IsoTime(std::int64_t seconds) {
  const time_t time = seconds;
  tm parts{};
  ::gmtime_r(&time, &parts);
  char text[40];
  ::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z", &parts);
  return text;
}

std::string WrongWithSignature(const ServedRequest& request, const FakeS3Options& options) {
  const std::string authorization = HeaderOf(request, "authorization");
  if (options.anonymous) return authorization.empty() ? "" : "AccessDenied";
  if (!authorization.starts_with("AWS4-HMAC-SHA256 ")) return "AccessDenied";
  const std::vector<std::string> scope = Split(Field(authorization, "Credential="), '/');
  const std::string names = Field(authorization, "SignedHeaders=");
  const std::string date = HeaderOf(request, "x-amz-date");
  if (scope.size() != 5 || scope[4] != "aws4_request" || scope[3] != "s3") return "AuthorizationHeaderMalformed";
  if (scope[0] != options.access_key_id) return "InvalidAccessKeyId";
  if (scope[2] != options.region) return "AuthorizationHeaderMalformed";
  if (std::abs(SecondsOf(date) - ::time(nullptr)) > kSkewMaxSeconds) return "RequestTimeTooSkewed";
  if (HeaderOf(request, "x-amz-security-token") != options.session_token) return "ExpiredToken";
  const std::string payload = HeaderOf(request, "x-amz-content-sha256");
  if (payload != DigestOf(std::string_view(request.body)).Hex()) return "XAmzContentSHA256Mismatch";
  if (!SignsWhatItMust(request, names)) return "AccessDenied";
  std::string canonical = request.method + "\n" + request.target.substr(0, request.target.find('?')) + "\n" +
                          CanonicalQuery(request.target) + "\n";
  for (const std::string& name : Split(names, ';')) canonical += name + ":" + HeaderOf(request, name) + "\n";
  canonical += "\n" + names + "\n" + payload;
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope[1] + "/" + scope[2] + "/s3/aws4_request\n" +
                              DigestOf(std::string_view(canonical)).Hex();
  std::string key = "AWS4" + options.secret_access_key;
  for (const std::string& step : {scope[1], scope[2], scope[3], scope[4]}) key = HmacSha256(key, step);
  return HexOf(HmacSha256(key, to_sign)) == Field(authorization, "Signature=") ? "" : "SignatureDoesNotMatch";
}

}  // namespace smelt::fake_s3_internal
