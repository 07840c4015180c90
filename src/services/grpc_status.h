#ifndef SMELT_SERVICES_GRPC_STATUS_H_
#define SMELT_SERVICES_GRPC_STATUS_H_

#include "absl/status/status.h"

namespace grpc {
class Status;
}  // namespace grpc
namespace google::rpc {
class Status;
}  // namespace google::rpc

namespace smelt {

// The same code and message, for the wire. Messages are cut at 4 KiB: they travel in headers.
grpc::Status ToGrpc(const absl::Status& status);

// The same for one blob of a batch.
void ToProto(const absl::Status& status, google::rpc::Status& proto);

// NOT_FOUND for DATA_LOSS, else `status`: what a store found to be lost before a byte of it was sent is not there, and
// only for what is not there do clients go on: they build it again.
absl::Status LostIsAbsent(const absl::Status& status);

}  // namespace smelt

#endif  // SMELT_SERVICES_GRPC_STATUS_H_
