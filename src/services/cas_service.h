#ifndef SMELT_SERVICES_CAS_SERVICE_H_
#define SMELT_SERVICES_CAS_SERVICE_H_

#include <memory>

#include "src/services/service_parts.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace smelt {

// REAPI's ContentAddressableStorage.
//
// FindMissingBlobs: at most Limits::digests_max digests; exact, and a use of those present.
// BatchUpdateBlobs, BatchReadBlobs: at most Limits::batch_bytes_max of blobs (uncompressed) together; each blob has a
// status of its own. zstd is taken, and given where it is acceptable and pays.
// GetTree: each Directory once, in the order of a walk by breadth, in pages; a page_token goes on where a page ended,
// at this server or at another one that has the same blobs.
std::unique_ptr<grpc::Service> NewCasService(const ServiceParts& parts);

}  // namespace smelt

#endif  // SMELT_SERVICES_CAS_SERVICE_H_
