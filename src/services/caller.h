#ifndef SMELT_SERVICES_CALLER_H_
#define SMELT_SERVICES_CALLER_H_

#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/auth/authorizer.h"

namespace grpc {
class ServerContextBase;
}  // namespace grpc

namespace smelt {

// What the call says of its sender: its header "authorization", the names in its verified certificate, its address.
Credentials CredentialsOf(const grpc::ServerContextBase& context);

// OK if the sender may do this; else the authorizer's error.
absl::Status MayCall(Authorizer& authorizer, const grpc::ServerContextBase& context,
                     std::optional<std::string_view> instance, Permission permission);

// The checks that every call of REAPI begins with: the instance is a name (INVALID_ARGUMENT), the digest function is
// SHA-256 or left out (INVALID_ARGUMENT), and the sender may do this. Says who that is.
absl::StatusOr<Principal> CheckCall(Authorizer& authorizer, const grpc::ServerContextBase& context,
                                    std::string_view instance,
                                    build::bazel::remote::execution::v2::DigestFunction::Value function,
                                    Permission permission);

}  // namespace smelt

#endif  // SMELT_SERVICES_CALLER_H_
