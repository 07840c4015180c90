#ifndef SMELT_SERVICES_ACTION_CACHE_SERVICE_H_
#define SMELT_SERVICES_ACTION_CACHE_SERVICE_H_

#include <memory>

#include "src/services/service_parts.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace smelt {

// REAPI's ActionCache. A result is given only while every blob that it names is here, else it is NOT_FOUND. What the
// request asks to have inside the result is put there, as far as Limits::inline_bytes_max goes. UpdateActionResult
// takes well-formed results only.
std::unique_ptr<grpc::Service> NewActionCacheService(const ServiceParts& parts);

}  // namespace smelt

#endif  // SMELT_SERVICES_ACTION_CACHE_SERVICE_H_
