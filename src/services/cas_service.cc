#include "src/services/cas_service.h"

#include <memory>
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
#include "src/services/messages/raw_call.h"

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

using v2::ContentAddressableStorage;
using Base = ContentAddressableStorage::WithRawCallbackMethod_FindMissingBlobs<
    ContentAddressableStorage::WithRawCallbackMethod_BatchUpdateBlobs<
        ContentAddressableStorage::WithRawCallbackMethod_BatchReadBlobs<
            ContentAddressableStorage::WithRawCallbackMethod_GetTree<ContentAddressableStorage::Service>>>>;

class CasService : public Base {
 public:
  explicit CasService(const ServiceParts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* FindMissingBlobs(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                             grpc::ByteBuffer* response) override {
    const RawCall call(*context, *response, parts_.calls, "FindMissingBlobs");
    v2::FindMissingBlobsRequest request;
    absl::Status status = Check(*context, *bytes, Permission::kReadBlobs, request);
    if (status.ok() && request.blob_digests_size() > parts_.limits.digests_max) {
      status = absl::InvalidArgumentError(fmt::format("blob_digests: {} digests; {} are allowed in one call",
                                                      request.blob_digests_size(), parts_.limits.digests_max));
    }
    status.ok() ? Find(std::move(request), call) : call.Finish(status);
    return call.reactor();
  }

  grpc::ServerUnaryReactor* BatchUpdateBlobs(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                             grpc::ByteBuffer* response) override {
    const RawCall call(*context, *response, parts_.calls, "BatchUpdateBlobs");
    const auto request = std::make_shared<v2::BatchUpdateBlobsRequest>();
    const absl::Status status = Check(*context, *bytes, Permission::kWriteBlobs, *request);
    status.ok() ? Run<v2::BatchUpdateBlobsResponse>(request, call, BatchUpdate) : call.Finish(status);
    return call.reactor();
  }

  grpc::ServerUnaryReactor* BatchReadBlobs(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                           grpc::ByteBuffer* response) override {
    const RawCall call(*context, *response, parts_.calls, "BatchReadBlobs");
    const auto request = std::make_shared<v2::BatchReadBlobsRequest>();
    const absl::Status status = Check(*context, *bytes, Permission::kReadBlobs, *request);
    if (!status.ok()) {
      call.Finish(status);
    } else if (const auto answer = BatchReadAtOnce(parts_, *request); answer.has_value()) {
      call.Finish(answer->Serialized());
    } else {
      Run<v2::BatchReadBlobsResponse>(request, call, BatchRead);
    }
    return call.reactor();
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* GetTree(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* bytes) override {
    v2::GetTreeRequest request;
    const absl::Status status = Check(*context, *bytes, Permission::kReadBlobs, request);
    return StartGetTree(parts_, *context, request, status);
  }

 private:
  template <typename Request>
  absl::Status MayCall(const grpc::CallbackServerContext& context, const Request& request, Permission permission) {
    return CheckCall(parts_.authorizer, context, request.instance_name(), request.digest_function(), permission)
        .status();
  }

  template <typename Request>
  absl::Status Check(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes, Permission permission,
                     Request& request) {
    RETURN_IF_ERROR(ParseMessage(bytes, request));
    return MayCall(context, request, permission);
  }

  void Find(v2::FindMissingBlobsRequest request, const RawCall& call) {
    const bool in_place = parts_.reads_in_place && request.blob_digests_size() <= kDigestsInPlaceMax;
    const auto answer = [this, call](const v2::FindMissingBlobsRequest& asked) {
      v2::FindMissingBlobsResponse response;
      const absl::Status status = FindMissing(parts_, asked, response);
      call.Finish(status, response);
    };
    if (in_place) return answer(request);
    if (!parts_.reads.Submit([=, request = std::move(request)] { answer(request); })) call.Finish(TooBusy());
  }

  // Has `batch` answer, whenever that may be.
  template <typename Response, typename Request, typename Batch>
  void Run(const std::shared_ptr<Request>& request, const RawCall& call, const Batch& batch) {
    const auto response = std::make_shared<Response>();
    batch(parts_, *request, *response, [call, request, response](absl::Status done) { call.Finish(done, *response); });
  }

  const ServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewCasService(const ServiceParts& parts) { return std::make_unique<CasService>(parts); }

}  // namespace smelt
