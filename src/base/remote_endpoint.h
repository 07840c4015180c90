#ifndef SMELT_BASE_REMOTE_ENDPOINT_H_
#define SMELT_BASE_REMOTE_ENDPOINT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace smelt {

// An endpoint taken apart.
struct RemoteEndpoint {
  std::string address;  // "host:port", "[::1]:port", "unix:/path"
  bool tls = false;
  bool loopback = false;  // only this machine sees what is sent
};

// "grpc://host:port", "grpcs://host:port", "host:port", "unix:/path". INVALID_ARGUMENT says what would be right.
absl::StatusOr<RemoteEndpoint> ParseEndpoint(std::string_view text);

}  // namespace smelt

#endif  // SMELT_BASE_REMOTE_ENDPOINT_H_
