#ifndef SMELT_SERVICES_CALL_INTERCEPTOR_H_
#define SMELT_SERVICES_CALL_INTERCEPTOR_H_

#include <memory>
#include <string>
#include <string_view>

#include "src/metrics/call_observer.h"

namespace grpc::experimental {
class ServerInterceptorFactoryInterface;
}  // namespace grpc::experimental

namespace smelt {

// Tells `observer` of every call of a server, whichever its service. `observer` lives longer than the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NewCallInterceptors(CallObserver& observer);

// The machine of a peer as gRPC names it: "ipv4:10.0.0.1:5" is "10.0.0.1", "ipv6:%5B::1%5D:5" is "[::1]", and a Unix
// socket "unix".
std::string MachineOf(std::string_view peer);

}  // namespace smelt

#endif  // SMELT_SERVICES_CALL_INTERCEPTOR_H_
