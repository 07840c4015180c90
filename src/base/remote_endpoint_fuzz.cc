#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/base/remote_endpoint.h"

// Whatever is taken for an endpoint is the same endpoint when it is written out, and has nothing that ends an address.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto endpoint = smelt::ParseEndpoint(text);
  if (!endpoint.ok() || endpoint->address.starts_with("unix:")) return 0;
  if (endpoint->address.find_first_of("/@ ?#\t\n") != std::string::npos) std::abort();
  const auto again = smelt::ParseEndpoint((endpoint->tls ? "grpcs://" : "grpc://") + endpoint->address);
  if (!again.ok() || again->address != endpoint->address || again->tls != endpoint->tls ||
      again->loopback != endpoint->loopback) {
    std::abort();
  }
  return 0;
}
