#include "src/services/call_interceptor.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_interceptor.h"
#include "src/services/observed_call.h"

namespace smelt {
namespace {

using grpc::experimental::InterceptionHookPoints;

// These tell of themselves (RawCall).
constexpr std::string_view kObserveThemselves[] = {"BatchReadBlobs", "BatchUpdateBlobs", "FindMissingBlobs",
                                                   "GetActionResult", "UpdateActionResult"};

std::string_view MethodOf(const grpc::experimental::ServerRpcInfo& info) {
  const std::string_view method = info.method();
  return method.substr(method.rfind('/') + 1);
}

class CallInterceptor : public grpc::experimental::Interceptor {
 public:
  CallInterceptor(grpc::experimental::ServerRpcInfo* info, CallObserver& observer)
      : info_(info), observer_(observer), began_(std::chrono::steady_clock::now()) {
    call_.method = MethodOf(*info);
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
      DescribeCaller(*info_->server_context(), call_);
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
    if (std::ranges::count(kObserveThemselves, MethodOf(*info)) > 0) return nullptr;
    return new CallInterceptor(info, observer_);
  }

 private:
  CallObserver& observer_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> NewCallInterceptors(CallObserver& observer) {
  return std::make_unique<Factory>(observer);
}

}  // namespace smelt
