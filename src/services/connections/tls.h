#ifndef SMELT_SERVICES_CONNECTIONS_TLS_H_
#define SMELT_SERVICES_CONNECTIONS_TLS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace grpc {
class ServerCredentials;
}  // namespace grpc

namespace smelt {

// Files in PEM.
struct TlsFiles {
  std::string certificate;  // with its chain
  std::string key;
  std::string client_ca;  // what client certificates are verified with; empty: none are asked for
};

// Credentials of a listening address. The files are read again when they change, within a minute; connections that are
// there stay. Clients need no certificate, but one that they show must be good. The caller has looked at the files:
// gRPC takes any, listens, and ends each connection. INVALID_ARGUMENT if it does not.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeTlsCredentials(const TlsFiles& files);

}  // namespace smelt

#endif  // SMELT_SERVICES_CONNECTIONS_TLS_H_
