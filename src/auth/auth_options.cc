#include "src/auth/auth_options.h"

#include <string_view>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace smelt {
namespace {

bool IsLoopback(std::string_view host) { return host == "127.0.0.1" || host == "[::1]" || host == "localhost"; }

}  // namespace

absl::Status CheckKeysUrl(const std::string& url) {
  std::string_view rest = url;
  if (rest.starts_with("https://") && rest.size() > 8) return absl::OkStatus();
  if (rest.starts_with("http://")) {
    std::string_view host = rest.substr(7, rest.find('/', 7) - 7);
    if (const std::size_t colon = host.rfind(':'); colon != host.npos && !host.ends_with(']')) {
      host = host.substr(0, colon);
    }
    if (IsLoopback(host)) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("'{}': keys are read over https:// (http:// is for loopback only)", url));
}

}  // namespace smelt
