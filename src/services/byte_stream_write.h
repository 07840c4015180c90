#ifndef SMELT_SERVICES_BYTE_STREAM_WRITE_H_
#define SMELT_SERVICES_BYTE_STREAM_WRITE_H_

#include "src/services/service_parts.h"

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
template <class Request>
class ServerReadReactor;
}  // namespace grpc

namespace smelt {

// One ByteStream.Write. The reactor deletes itself.
grpc::ServerReadReactor<grpc::ByteBuffer>* StartWrite(const ServiceParts& parts, grpc::CallbackServerContext& context,
                                                      grpc::ByteBuffer& answer);

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTE_STREAM_WRITE_H_
