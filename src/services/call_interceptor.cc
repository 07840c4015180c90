#include "src/services/call_interceptor.h"

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_interceptor.h"

namespace smelt {
namespace {

using grpc::experimental::InterceptionHookPoints;

constexpr char kMetadataHeader[] = "build.bazel.remote.execution.v2.requestmetadata-bin";
constexpr std::size_t kNameMax = 200;

void ReadMetadata(const grpc::ServerContextBase& context, FinishedCall& call) {
  const auto header = context.client_metadata().find(kMetadataHeader);
  build::bazel::remote::execution::v2::RequestMetadata metadata;
  if (header == context.client_metadata().end() ||
      !metadata.ParseFromArray(header->second.data(), static_cast<int>(header->second.size()))) {
    return;
  }
  const auto& tool = metadata.tool_details();
  call.tool = (tool.tool_name() + (tool.tool_version().empty() ? "" : " ") + tool.tool_version()).substr(0, kNameMax);
  call.target = metadata.target_id().substr(0, kNameMax);
}

class CallInterceptor : public grpc::experimental::Interceptor {
 public:
  CallInterceptor(grpc::experimental::ServerRpcInfo* info, CallObserver& observer)
      : info_(info), observer_(observer), began_(std::chrono::steady_clock::now()) {
    const std::string_view method = info->method();
    call_.method = method.substr(method.rfind('/') + 1);
    call_.code = "CANCELLED";
    observer_.Started();
  }

  ~CallInterceptor() override {
    call_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    observer_.Finished(call_);
  }

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      call_.code = absl::StatusCodeToString(static_cast<absl::StatusCode>(methods->GetSendStatus().error_code()));
      call_.peer = MachineOf(info_->server_context()->peer());
      ReadMetadata(*info_->server_context(), call_);
    }
    methods->Proceed();
  }

 private:
  grpc::experimental::ServerRpcInfo* const info_;
  CallObserver& observer_;
  const std::chrono::steady_clock::time_point began_;
  FinishedCall call_;
};

class Factory : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(CallObserver& observer) : observer_(observer) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(grpc::experimental::ServerRpcInfo* info) override {
    return new CallInterceptor(info, observer_);
  }

 private:
  CallObserver& observer_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NewCallInterceptors(CallObserver& observer) {
  return std::make_unique<Factory>(observer);
}

std::string MachineOf(std::string_view peer) {
  const std::size_t scheme = peer.find(':');
  if (peer.starts_with("unix")) return "unix";
  if (!peer.starts_with("ipv") || scheme == peer.npos) return std::string(peer);
  std::string machine(peer.substr(scheme + 1, peer.rfind(':') - scheme - 1));
  for (const auto& [escaped, plain] : {std::pair{"%5B", "["}, std::pair{"%5D", "]"}}) {
    if (const std::size_t at = machine.find(escaped); at != machine.npos) machine.replace(at, 3, plain);
  }
  return machine;
}

}  // namespace smelt
