#include "src/cmd/admin_commands.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "smelt/admin/v1/admin.grpc.pb.h"
#include "src/auth/token_authenticator.h"
#include "src/base/file_system.h"
#include "src/base/processor_frequency.h"
#include "src/base/status_macros.h"
#include "src/config/config.h"

namespace smelt {
namespace {

constexpr char kUsage[] =
    "usage: smelt-server gc --server ENDPOINT [--dry-run] [--down-to SIZE] [FLAG...]\n"
    "       smelt-server status --server ENDPOINT [FLAG...]\n"
    "  --server      grpc://HOST:PORT, or grpcs://HOST:PORT with TLS\n"
    "  --dry-run     only say what would be removed\n"
    "  --down-to     how much is to be left, as 50GiB, instead of the server's low watermark\n"
    "  --token-file  a file with an administrator's token; else the variable SMELT_TOKEN\n"
    "  --ca-file     certificates (PEM) that the server's is verified with, instead of the system's\n"
    "  --instance    the one for which the token is to be an administrator's; without it, any\n"
    "  --timeout     how long to wait; 10m without it\n";

struct Options {
  std::string server, token, ca, instance;
  std::optional<std::int64_t> down_to;
  std::int64_t timeout_seconds = 600;
  bool dry_run = false;
};

absl::StatusOr<std::string> FirstLineOf(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, FileSystem::System().ReadFile(path));
  return text.substr(0, text.find_first_of("\r\n"));
}

absl::Status SetOption(const std::string& flag, const std::string& value, Options& options) {
  if (flag == "--server") {
    options.server = value;
  } else if (flag == "--instance") {
    options.instance = value;
  } else if (flag == "--down-to") {
    ASSIGN_OR_RETURN(options.down_to, ParseSize(value));
  } else if (flag == "--timeout") {
    ASSIGN_OR_RETURN(options.timeout_seconds, ParseDuration(value));
  } else if (flag == "--token-file") {
    ASSIGN_OR_RETURN(options.token, FirstLineOf(value));
  } else if (flag == "--ca-file") {
    ASSIGN_OR_RETURN(options.ca, FileSystem::System().ReadFile(value));
  } else {
    return absl::InvalidArgumentError(fmt::format("there is no flag {}", flag));
  }
  return absl::OkStatus();
}

absl::StatusOr<Options> ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
  if (const char* token = std::getenv("SMELT_TOKEN")) options.token = token;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--dry-run") {
      options.dry_run = true;
    } else if (i + 1 == arguments.size()) {
      return absl::InvalidArgumentError(fmt::format("{}: a value is missing, or there is no such flag", arguments[i]));
    } else {
      RETURN_IF_ERROR(SetOption(arguments[i], arguments[i + 1], options));
      ++i;
    }
  }
  if (!options.server.starts_with("grpc://") && !options.server.starts_with("grpcs://")) {
    return absl::InvalidArgumentError("--server is needed: grpc://HOST:PORT or grpcs://HOST:PORT");
  }
  return options;
}

std::shared_ptr<grpc::Channel> Connect(const Options& options) {
  const bool tls = options.server.starts_with("grpcs://");
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = options.ca;
  LookUpProcessorFrequency();
  return grpc::CreateChannel(options.server.substr(options.server.find("//") + 2),
                             tls ? grpc::SslCredentials(ssl) : grpc::InsecureChannelCredentials());
}

void Prepare(const Options& options, grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(options.timeout_seconds));
  if (!options.token.empty()) context.AddMetadata("authorization", "Bearer " + options.token);
}

grpc::Status Collect(admin::v1::Admin::Stub& stub, const Options& options) {
  grpc::ClientContext context;
  Prepare(options, context);
  admin::v1::CollectGarbageRequest request;
  request.set_instance_name(options.instance);
  request.set_dry_run(options.dry_run);
  if (options.down_to) request.set_down_to_bytes(*options.down_to);
  admin::v1::CollectGarbageResponse response;
  const grpc::Status status = stub.CollectGarbage(&context, request, &response);
  if (!status.ok()) return status;
  fmt::print("{} {} blobs and {} results: {} bytes before, {} after\n", options.dry_run ? "would remove" : "removed",
             response.blobs_removed(), response.actions_removed(), response.bytes_before(), response.bytes_after());
  if (response.has_bucket()) {
    fmt::print("bucket: {} objects, {} bytes {}; {} of {} bytes are condemned\n", response.bucket().objects_deleted(),
               response.bucket().bytes_deleted(), options.dry_run ? "would go" : "are gone",
               response.bucket().condemned_bytes(), response.bucket().bytes());
  }
  return status;
}

grpc::Status PrintStatus(admin::v1::Admin::Stub& stub, const Options& options) {
  grpc::ClientContext context;
  Prepare(options, context);
  admin::v1::GetStatusRequest request;
  request.set_instance_name(options.instance);
  admin::v1::GetStatusResponse response;
  const grpc::Status status = stub.GetStatus(&context, request, &response);
  if (status.ok()) fmt::print("{}", response.json());
  return status;
}

}  // namespace

int RunAdminCommand(const std::string& name, const std::vector<std::string>& arguments) {
  absl::StatusOr<Options> options = ParseOptions(arguments);
  if (!options.ok()) {
    fmt::print(stderr, "smelt-server {}: {}\n{}", name, std::string(options.status().message()), kUsage);
    return 2;
  }
  std::unique_ptr<admin::v1::Admin::Stub> stub = admin::v1::Admin::NewStub(Connect(*options));
  const grpc::Status status = name == "gc" ? Collect(*stub, *options) : PrintStatus(*stub, *options);
  if (status.ok()) return 0;
  fmt::print(stderr, "smelt-server {}: {}: {}\n", name, options->server, status.error_message());
  return 1;
}

int HashTokenCommand() {
  std::string token;
  std::getline(std::cin, token);
  absl::StatusOr<std::string> hash = HashToken(token);
  if (hash.ok()) fmt::print("{}\n", *hash);
  if (!hash.ok()) fmt::print(stderr, "smelt-server hash-token: {}\n", std::string(hash.status().message()));
  return hash.ok() ? 0 : 2;
}

}  // namespace smelt
