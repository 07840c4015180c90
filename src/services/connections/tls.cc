#include "src/services/connections/tls.h"

#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "src/auth/key_pair.h"
#include "src/base/file_system.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr unsigned kRefreshSeconds = 30;

absl::StatusOr<std::string> ReadPem(const std::string& path, const char* what) {
  absl::StatusOr<std::string> text = FileSystem::System().ReadFile(path);
  if (!text.ok())
    return absl::InvalidArgumentError(fmt::format("the {}: {}", what, std::string(text.status().message())));
  if (text->find("-----BEGIN ") != text->npos) return text;
  return absl::InvalidArgumentError(fmt::format("the {} {}: not in PEM, which begins with -----BEGIN", what, path));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeTlsCredentials(const TlsFiles& files) {
  ASSIGN_OR_RETURN(const std::string certificate, ReadPem(files.certificate, "certificate"));
  ASSIGN_OR_RETURN(const std::string key, ReadPem(files.key, "certificate's key"));
  if (!files.client_ca.empty()) RETURN_IF_ERROR(ReadPem(files.client_ca, "certificate of client_ca").status());
  // gRPC takes any two, listens, and ends each connection.
  if (const absl::Status pair = CheckKeyPair(certificate, key); !pair.ok()) {
    return absl::InvalidArgumentError(fmt::format("the certificate {} with the key {}: {}", files.certificate,
                                                  files.key, std::string(pair.message())));
  }
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.client_ca, kRefreshSeconds);
  grpc::experimental::TlsServerCredentialsOptions options(std::move(provider));
  options.watch_identity_key_cert_pairs();
  if (!files.client_ca.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  std::shared_ptr<grpc::ServerCredentials> credentials = grpc::experimental::TlsServerCredentials(options);
  if (!credentials) return absl::InvalidArgumentError(fmt::format("{}: gRPC does not take it", files.certificate));
  return credentials;
}

}  // namespace smelt
