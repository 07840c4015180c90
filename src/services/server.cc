#include "src/services/server.h"

#include <utility>

#include "fmt/format.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/impl/service_type.h"
#include "src/base/each_second.h"
#include "src/services/action_cache_service.h"
#include "src/services/byte_stream_service.h"
#include "src/services/call_interceptor.h"
#include "src/services/capabilities_service.h"
#include "src/services/cas_service.h"
#include "src/services/service_parts.h"

namespace smelt {
namespace {

constexpr std::size_t kTasksMax = 20'000;
constexpr int kThreadsForFarReads = 256;  // made when so many wait for a bucket

// What grpc.health.v1 knows besides the server as a whole.
constexpr const char* kServices[] = {
    "build.bazel.remote.execution.v2.ActionCache",
    "build.bazel.remote.execution.v2.Capabilities",
    "build.bazel.remote.execution.v2.ContentAddressableStorage",
    "google.bytestream.ByteStream",
};

// Linking the reflection library switches it on for every server of the process: this switches it off again.
class WithoutReflection : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    std::erase_if(*plugins, [](const auto& plugin) { return plugin->name() == "proto_server_reflection"; });
  }
};

class GrpcServer : public Server {
 public:
  GrpcServer(const ServerParts& parts, const ServerOptions& options)
      : budget_(options.limits.memory_bytes),
        reads_(options.limits.read_threads, kTasksMax, kThreadsForFarReads),
        writes_(options.limits.write_threads, kTasksMax),
        watch_(options.limits.idle_seconds, budget_),
        answers_(budget_, watch_),
        staging_(parts.staging_directory, options.limits, FileSystem::System()),
        partials_(options.limits, parts.clock),
        each_second_([this] { Tick(); }) {
    const ServiceParts shared{parts.blobs,
                              parts.actions,
                              parts.authorizer,
                              options.limits,
                              staging_,
                              reads_,
                              writes_,
                              budget_,
                              watch_,
                              answers_,
                              partials_,
                              parts.zstd_forms,
                              options.reads_in_place,
                              parts.puts,
                              options.audit,
                              options.calls,
                              parts.packed,
                              parts.results};
    services_.push_back(NewCapabilitiesService(parts.authorizer, options.limits));
    services_.push_back(NewCasService(shared));
    services_.push_back(NewByteStreamService(shared));
    services_.push_back(NewActionCacheService(shared));
  }

  ~GrpcServer() override { Shutdown(std::chrono::milliseconds(0)); }

  absl::Status Listen(const ServerOptions& options);

  const std::vector<int>& ports() const override { return ports_; }
  void SetServing(bool serving) override {
    auto* health = server_->GetHealthCheckService();
    for (const char* service : kServices) health->SetServingStatus(service, serving);
    health->SetServingStatus(serving);
  }
  void Shutdown(std::chrono::milliseconds grace) override {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + grace);
    server_->Wait();
  }
  std::int64_t held_bytes() override { return budget_.held_bytes(); }

 private:
  void Configure(const ServerOptions& options, grpc::ServerBuilder& builder);
  void Tick() {
    watch_.Tick(1);
    partials_.DropOld();
  }

  std::vector<int> ports_;
  BytesBudget budget_;
  WorkerPool reads_, writes_;
  StreamWatch watch_;
  AnswerMemory answers_;
  StagingRoom staging_;
  PartialUploads partials_;
  EachSecond each_second_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
};

// Connections whose other end is gone are noticed; clients may ping as often as Bazel and its like do.
void ConfigureKeepalive(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5'000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 10);
}

// gRPC makes them as large as they were before it looks at the limit: a megabyte can be a gigabyte. Blobs have zstd.
void RefuseCompressedMessages(grpc::ServerBuilder& builder) {
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
}

// A request is received before anybody asks whose it is: what all of them may hold is bounded, or streams that never
// end hold message_bytes_max each. Beyond it gRPC ends streams with RESOURCE_EXHAUSTED.
void BoundWhatIsReceived(const Limits& limits, grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("received");
  builder.SetResourceQuota(quota.Resize(static_cast<std::size_t>(limits.received_bytes_max)));
}

void GrpcServer::Configure(const ServerOptions& options, grpc::ServerBuilder& builder) {
  BoundWhatIsReceived(options.limits, builder);
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.limits.message_bytes_max));
  builder.SetMaxSendMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.limits.streams_per_connection_max);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_CHANNELZ, 0);  // nobody can ask it
  ConfigureKeepalive(builder);
  RefuseCompressedMessages(builder);
  if (options.reflection) {
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  } else {
    builder.SetOption(std::make_unique<WithoutReflection>());
  }
  if (options.calls) {
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
    interceptors.push_back(NewCallInterceptors(*options.calls));
    builder.experimental().SetInterceptorCreators(std::move(interceptors));
  }
  for (const auto& service : services_) builder.RegisterService(service.get());
  for (grpc::Service* service : options.more_services) builder.RegisterService(service);
}

absl::Status GrpcServer::Listen(const ServerOptions& options) {
  if (options.endpoints.empty()) return absl::InvalidArgumentError("a server needs an address to listen on");
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  Configure(options, builder);
  std::vector<int> ports(options.endpoints.size(), 0);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const Endpoint& endpoint = options.endpoints[i];
    builder.AddListeningPort(
        endpoint.address, endpoint.credentials ? endpoint.credentials : grpc::InsecureServerCredentials(), &ports[i]);
  }
  server_ = builder.BuildAndStart();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string& address = options.endpoints[i].address;
    if (server_ != nullptr && (ports[i] > 0 || address.starts_with("unix"))) continue;
    return absl::UnavailableError(
        fmt::format("cannot listen on {}: is another server there, and is it an address of this machine?", address));
  }
  ports_ = std::move(ports);
  SetServing(true);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerParts& parts, const ServerOptions& options) {
  auto server = std::make_unique<GrpcServer>(parts, options);
  if (absl::Status status = server->Listen(options); !status.ok()) return status;
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace smelt
