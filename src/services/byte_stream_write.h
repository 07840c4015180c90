#ifndef SMELT_SERVICES_BYTE_STREAM_WRITE_H_
#define SMELT_SERVICES_BYTE_STREAM_WRITE_H_

#include "src/services/service_parts.h"

namespace google::bytestream {
class WriteRequest;
class WriteResponse;
}  // namespace google::bytestream

namespace grpc {
class CallbackServerContext;
template <class Request>
class ServerReadReactor;
}  // namespace grpc

namespace smelt {

// One ByteStream.Write. The reactor deletes itself.
grpc::ServerReadReactor<google::bytestream::WriteRequest>* StartWrite(const ServiceParts& parts,
                                                                      grpc::CallbackServerContext& context,
                                                                      google::bytestream::WriteResponse& response);

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTE_STREAM_WRITE_H_
