#ifndef SMELT_SERVICES_GET_TREE_H_
#define SMELT_SERVICES_GET_TREE_H_

#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/services/service_parts.h"

namespace grpc {
class ByteBuffer;
class CallbackServerContext;
template <class Response>
class ServerWriteReactor;
}  // namespace grpc

namespace smelt {

// One GetTree, which fails with `checked` if that is an error. The reactor deletes itself.
grpc::ServerWriteReactor<grpc::ByteBuffer>* StartGetTree(
    const ServiceParts& parts, grpc::CallbackServerContext& context,
    const build::bazel::remote::execution::v2::GetTreeRequest& request, const absl::Status& checked);

}  // namespace smelt

#endif  // SMELT_SERVICES_GET_TREE_H_
