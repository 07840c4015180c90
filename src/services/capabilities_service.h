#ifndef SMELT_SERVICES_CAPABILITIES_SERVICE_H_
#define SMELT_SERVICES_CAPABILITIES_SERVICE_H_

#include <memory>

#include "src/auth/authorizer.h"
#include "src/services/limits.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace smelt {

// REAPI's Capabilities: what this server can do, and whether this caller may write results (a client that may not then
// turns to reading by itself). Anybody may ask, but credentials that the authorizer does not know are UNAUTHENTICATED
// here already. `authorizer` lives longer.
std::unique_ptr<grpc::Service> NewCapabilitiesService(Authorizer& authorizer, const Limits& limits);

}  // namespace smelt

#endif  // SMELT_SERVICES_CAPABILITIES_SERVICE_H_
