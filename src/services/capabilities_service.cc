#include "src/services/capabilities_service.h"

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "src/reapi/zstd_wishes.h"
#include "src/services/caller.h"
#include "src/services/messages/raw_call.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr int kPriorityMax = 1000;

void AddPriorities(v2::PriorityCapabilities& priorities) {
  auto& range = *priorities.add_priorities();
  range.set_min_priority(-kPriorityMax);
  range.set_max_priority(kPriorityMax);
}

void SetCache(const Limits& limits, bool may_update, v2::CacheCapabilities& cache) {
  cache.add_digest_functions(v2::DigestFunction::SHA256);
  cache.mutable_action_cache_update_capabilities()->set_update_enabled(may_update);
  AddPriorities(*cache.mutable_cache_priority_capabilities());
  cache.set_max_batch_total_size_bytes(limits.batch_bytes_max);
  cache.set_max_cas_blob_size_bytes(limits.blob_bytes_max);
  cache.set_symlink_absolute_path_strategy(v2::SymlinkAbsolutePathStrategy::ALLOWED);
  cache.add_supported_compressors(v2::Compressor::ZSTD);
  cache.add_supported_batch_update_compressors(v2::Compressor::ZSTD);
}

void SetExecution(v2::ExecutionCapabilities& execution) {
  execution.set_digest_function(v2::DigestFunction::SHA256);
  execution.add_digest_functions(v2::DigestFunction::SHA256);
  execution.set_exec_enabled(false);
  AddPriorities(*execution.mutable_execution_priority_capabilities());
}

class CapabilitiesService : public v2::Capabilities::WithRawCallbackMethod_GetCapabilities<v2::Capabilities::Service> {
 public:
  CapabilitiesService(Authorizer& authorizer, const Limits& limits) : authorizer_(authorizer), limits_(limits) {}

  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override {
    const RawCall call(*context, *request, *response);
    v2::GetCapabilitiesRequest parsed;
    v2::ServerCapabilities capabilities;
    absl::Status status = ParseMessage(*request, parsed);
    if (status.ok()) status = Get(*context, parsed.instance_name(), capabilities);
    context->AddInitialMetadata(reapi::ZstdWishes::kHeader, reapi::ToHeader({.unverified = true, .stored = true}));
    call.Finish(status, capabilities);
    return call.reactor();
  }

 private:
  absl::Status Get(const grpc::CallbackServerContext& context, const std::string& instance,
                   v2::ServerCapabilities& response) {
    const Credentials credentials = CredentialsOf(context);
    const absl::Status may_update =
        authorizer_.WouldAuthorize(credentials, instance, Permission::kWriteActions).status();
    if (absl::IsUnauthenticated(may_update) && !credentials.authorization.empty()) return may_update;
    SetCache(limits_, may_update.ok(), *response.mutable_cache_capabilities());
    SetExecution(*response.mutable_execution_capabilities());
    response.mutable_low_api_version()->set_major(2);
    response.mutable_high_api_version()->set_major(2);
    response.mutable_high_api_version()->set_minor(3);
    return absl::OkStatus();
  }

  Authorizer& authorizer_;
  const Limits limits_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewCapabilitiesService(Authorizer& authorizer, const Limits& limits) {
  return std::make_unique<CapabilitiesService>(authorizer, limits);
}

}  // namespace smelt
