#include "src/services/caller.h"

#include <string>

#include "grpcpp/server_context.h"

namespace smelt {

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

absl::Status MayCall(Authorizer& authorizer, const grpc::ServerContextBase& context, std::string_view instance,
                     Permission permission) {
  return authorizer.Authorize(CredentialsOf(context), instance, permission).status();
}

}  // namespace smelt
