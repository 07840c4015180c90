#ifndef SMELT_SERVICES_CALL_INTERCEPTOR_H_
#define SMELT_SERVICES_CALL_INTERCEPTOR_H_

#include <memory>

#include "src/metrics/call_observer.h"

namespace grpc::experimental {
class ServerInterceptorFactoryInterface;
}  // namespace grpc::experimental

namespace smelt {

// Tells `observer` of every call of a server, whichever its service, but for those that tell of themselves (see
// ObservedCall). `observer` lives longer than the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NewCallInterceptors(CallObserver& observer);

}  // namespace smelt

#endif  // SMELT_SERVICES_CALL_INTERCEPTOR_H_
