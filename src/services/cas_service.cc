#include "src/services/cas_service.h"

#include <string>
#include <utility>
#include <vector>

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/reapi/digests.h"
#include "src/services/batch.h"
#include "src/services/caller.h"
#include "src/services/get_tree.h"
#include "src/services/grpc_status.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr int kDigestsInPlaceMax = 1000;

absl::Status FindMissing(const ServiceParts& parts, const v2::FindMissingBlobsRequest& request,
                         v2::FindMissingBlobsResponse& response) {
  std::vector<Digest> digests;
  digests.reserve(static_cast<std::size_t>(request.blob_digests_size()));
  for (const v2::Digest& digest : request.blob_digests()) {
    ASSIGN_OR_RETURN(digests.emplace_back(), reapi::FromProto(digest));
  }
  ASSIGN_OR_RETURN(const std::vector<Digest> missing, parts.blobs.FindMissing(digests));
  for (const Digest& digest : missing) *response.add_missing_blob_digests() = reapi::ToProto(digest);
  return absl::OkStatus();
}

class CasService : public v2::ContentAddressableStorage::CallbackService {
 public:
  explicit CasService(const ServiceParts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* FindMissingBlobs(grpc::CallbackServerContext* context,
                                             const v2::FindMissingBlobsRequest* request,
                                             v2::FindMissingBlobsResponse* response) override {
    auto* reactor = context->DefaultReactor();
    absl::Status status = Check(*context, *request, Permission::kReadBlobs);
    if (status.ok() && request->blob_digests_size() > parts_.limits.digests_max) {
      status = absl::InvalidArgumentError(fmt::format("blob_digests: {} digests; {} are allowed in one call",
                                                      request->blob_digests_size(), parts_.limits.digests_max));
    }
    if (status.ok() && parts_.reads_in_place && request->blob_digests_size() <= kDigestsInPlaceMax) {
      reactor->Finish(ToGrpc(FindMissing(parts_, *request, *response)));
      return reactor;
    }
    const bool submitted = status.ok() && parts_.reads.Submit([this, reactor, request, response] {
      reactor->Finish(ToGrpc(FindMissing(parts_, *request, *response)));
    });
    if (!submitted) reactor->Finish(ToGrpc(status.ok() ? TooBusy() : status));
    return reactor;
  }

  grpc::ServerUnaryReactor* BatchUpdateBlobs(grpc::CallbackServerContext* context,
                                             const v2::BatchUpdateBlobsRequest* request,
                                             v2::BatchUpdateBlobsResponse* response) override {
    auto* reactor = context->DefaultReactor();
    const absl::Status status = Check(*context, *request, Permission::kWriteBlobs);
    if (!status.ok()) {
      reactor->Finish(ToGrpc(status));
    } else {
      BatchUpdate(parts_, *request, *response, [reactor](absl::Status done) { reactor->Finish(ToGrpc(done)); });
    }
    return reactor;
  }

  grpc::ServerUnaryReactor* BatchReadBlobs(grpc::CallbackServerContext* context,
                                           const v2::BatchReadBlobsRequest* request,
                                           v2::BatchReadBlobsResponse* response) override {
    auto* reactor = context->DefaultReactor();
    const absl::Status status = Check(*context, *request, Permission::kReadBlobs);
    if (!status.ok()) {
      reactor->Finish(ToGrpc(status));
    } else {
      BatchRead(parts_, *request, *response, [reactor](absl::Status done) { reactor->Finish(ToGrpc(done)); });
    }
    return reactor;
  }

  grpc::ServerWriteReactor<v2::GetTreeResponse>* GetTree(grpc::CallbackServerContext* context,
                                                         const v2::GetTreeRequest* request) override {
    return StartGetTree(parts_, *context, *request, Check(*context, *request, Permission::kReadBlobs));
  }

 private:
  template <typename Request>
  absl::Status Check(const grpc::CallbackServerContext& context, const Request& request, Permission permission) {
    return CheckCall(parts_.authorizer, context, request.instance_name(), request.digest_function(), permission)
        .status();
  }

  const ServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewCasService(const ServiceParts& parts) { return std::make_unique<CasService>(parts); }

}  // namespace smelt
