#include "src/services/caller.h"

#include <string>

#include "fmt/format.h"
#include "grpcpp/server_context.h"
#include "src/base/status_macros.h"
#include "src/reapi/resource_name.h"

namespace smelt {

namespace v2 = build::bazel::remote::execution::v2;

Credentials CredentialsOf(const grpc::ServerContextBase& context) {
  Credentials credentials;
  const auto header = context.client_metadata().find("authorization");
  if (header != context.client_metadata().end()) {
    credentials.authorization.assign(header->second.data(), header->second.size());
  }
  const auto transport = context.auth_context();
  if (transport != nullptr && transport->IsPeerAuthenticated()) {
    for (const char* property : {"x509_subject_alternative_name", "x509_common_name"}) {
      for (const grpc::string_ref& name : transport->FindPropertyValues(property)) {
        credentials.certificate_names.emplace_back(name.data(), name.size());
      }
    }
  }
  credentials.peer = context.peer();
  return credentials;
}

absl::Status MayCall(Authorizer& authorizer, const grpc::ServerContextBase& context,
                     std::optional<std::string_view> instance, Permission permission) {
  return authorizer.Authorize(CredentialsOf(context), instance, permission).status();
}

absl::StatusOr<Principal> CheckCall(Authorizer& authorizer, const grpc::ServerContextBase& context,
                                    std::string_view instance, v2::DigestFunction::Value function,
                                    Permission permission) {
  RETURN_IF_ERROR(reapi::CheckInstanceName(instance));
  if (function != v2::DigestFunction::UNKNOWN && function != v2::DigestFunction::SHA256) {
    return absl::InvalidArgumentError(
        fmt::format("digest_function: {}, and SHA256 (1) is what is served", static_cast<int>(function)));
  }
  return authorizer.Authorize(CredentialsOf(context), instance, permission);
}

}  // namespace smelt
