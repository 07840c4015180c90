#include "src/base/url_host.h"

#include <algorithm>
#include <cctype>

namespace smelt {
namespace {

bool IsDigits(std::string_view text) { return text.find_first_not_of("0123456789") == text.npos; }

bool IsOfHost(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_'; }

bool IsOfAddress(char c) { return std::isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.'; }

}  // namespace

std::string_view UrlHost(std::string_view url) {
  const std::size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0) return {};
  const std::string_view authority = url.substr(scheme, url.find_first_of("/?#", scheme) - scheme);
  const bool is_address = authority.starts_with('[');
  const std::size_t end = is_address ? authority.find(']') + 1 : std::min(authority.find(':'), authority.size());
  if (end == 0) return {};
  const std::string_view host = authority.substr(0, end), port = authority.substr(end);
  if (!port.empty() && (port.front() != ':' || !IsDigits(port.substr(1)))) return {};
  const std::string_view name = is_address ? host.substr(1, end - 2) : host;
  return std::all_of(name.begin(), name.end(), is_address ? IsOfAddress : IsOfHost) ? host : std::string_view();
}

bool IsLoopbackHost(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         host.find_first_not_of("0123456789.") == host.npos;
}

}  // namespace smelt
