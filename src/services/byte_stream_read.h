#ifndef SMELT_SERVICES_BYTE_STREAM_READ_H_
#define SMELT_SERVICES_BYTE_STREAM_READ_H_

#include "src/services/service_parts.h"

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
template <class Response>
class ServerWriteReactor;
}  // namespace grpc

namespace smelt {

// One ByteStream.Read: answers the serialised ReadRequest with serialised ReadResponses. The reactor deletes itself.
grpc::ServerWriteReactor<grpc::ByteBuffer>* StartRead(const ServiceParts& parts, grpc::CallbackServerContext& context,
                                                      const grpc::ByteBuffer& request);

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTE_STREAM_READ_H_
