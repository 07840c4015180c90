#include "src/base/remote_endpoint.h"

#include <algorithm>
#include <charconv>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace smelt {
namespace {

bool IsPort(std::string_view text) {
  int port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

// An IPv6 address, with a zone or without one.
bool IsV6(std::string_view text) {
  const std::string_view zone = text.substr(std::min(text.find('%'), text.size()));
  const std::string_view digits = text.substr(0, text.size() - zone.size());
  return digits.find(':') != digits.npos && digits.find_first_not_of("0123456789abcdefABCDEF:.") == digits.npos &&
         zone.find_first_of("/@ []?#\t\n") == zone.npos;
}

bool IsHost(std::string_view host) {
  if (host.starts_with('[')) return host.ends_with(']') && IsV6(host.substr(1, host.size() - 2));
  return !host.empty() && host.find_first_of(":/@ []?#\t\n") == std::string_view::npos;
}

bool IsLoopback(std::string_view host) { return host == "localhost" || host == "[::1]" || host.starts_with("127."); }

}  // namespace

absl::StatusOr<RemoteEndpoint> ParseEndpoint(std::string_view text) {
  RemoteEndpoint endpoint;
  std::string_view rest = text;
  if (rest.starts_with("unix:/")) return RemoteEndpoint{std::string(rest), false, true};
  if (rest.starts_with("grpcs://")) {
    endpoint.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("grpc://")) {
    rest.remove_prefix(7);
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  const std::string_view host = rest.substr(0, colon);
  if (colon == std::string_view::npos || !IsHost(host) || !IsPort(rest.substr(colon + 1))) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is not an endpoint: write \"grpcs://HOST:PORT\" (TLS) or \"grpc://HOST:PORT\" (in the clear)", text));
  }
  endpoint.address = std::string(rest);
  endpoint.loopback = IsLoopback(host);
  return endpoint;
}

}  // namespace smelt
