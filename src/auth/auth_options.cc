#include "src/auth/auth_options.h"

#include <string_view>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/base/url_host.h"

namespace smelt {

absl::Status CheckKeysUrl(const std::string& url) {
  const std::string_view host = UrlHost(url);
  if (!host.empty() && (url.starts_with("https://") || IsLoopbackHost(host))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("'{}': keys are read over https:// (http:// is for loopback only)", url));
}

}  // namespace smelt
