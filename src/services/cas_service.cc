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
    const RawCall call(*context, *bytes, *response, &parts_.answers, parts_.calls, "FindMissingBlobs");
    const auto answer_bytes = static_cast<std::int64_t>(bytes->Length());  // at most, if all are missing
    if (parts_.answers.IsLittle(answer_bytes)) {
      Find(*context, *bytes, call);
    } else {  // who waits does so as bytes, which are a third of what they are when parsed
      call.Reserve(answer_bytes, [=, this] { Find(*context, *bytes, call); });
    }
    return call.reactor();
  }

  grpc::ServerUnaryReactor* BatchUpdateBlobs(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                             grpc::ByteBuffer* response) override {
    const RawCall call(*context, *bytes, *response, &parts_.answers, parts_.calls, "BatchUpdateBlobs");
    const auto request = std::make_shared<v2::BatchUpdateBlobsRequest>();
    const absl::Status status = Check(*context, *bytes, Permission::kWriteBlobs, *request);
    const std::int64_t answer_bytes = kAnswerBytesOfEach * request->requests_size();
    if (!status.ok()) {
      call.Finish(status);
    } else if (parts_.answers.IsLittle(answer_bytes)) {
      Run<v2::BatchUpdateBlobsResponse>(request, call, BatchUpdate);
    } else {
      RunLarge<v2::BatchUpdateBlobsResponse>(*bytes, request, answer_bytes, call, BatchUpdate);
    }
    return call.reactor();
  }

  grpc::ServerUnaryReactor* BatchReadBlobs(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                           grpc::ByteBuffer* response) override {
    const RawCall call(*context, *bytes, *response, &parts_.answers, parts_.calls, "BatchReadBlobs");
    const auto request = std::make_shared<v2::BatchReadBlobsRequest>();
    const absl::StatusOr<std::int64_t> answer_bytes = CheckBatchRead(*context, *bytes, *request);
    if (!answer_bytes.ok()) {
      call.Finish(answer_bytes.status());
    } else if (const auto answer = BatchReadAtOnce(parts_, *request, *answer_bytes); answer.has_value()) {
      call.Finish(answer->Serialized());
    } else {
      RunLarge<v2::BatchReadBlobsResponse>(*bytes, request, *answer_bytes, call, BatchRead);
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

  absl::StatusOr<std::int64_t> CheckBatchRead(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
                                              v2::BatchReadBlobsRequest& request) {
    RETURN_IF_ERROR(Check(context, bytes, Permission::kReadBlobs, request));
    return BatchReadBytes(parts_, request);
  }

  absl::Status CheckFind(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
                         v2::FindMissingBlobsRequest& request) {
    RETURN_IF_ERROR(Check(context, bytes, Permission::kReadBlobs, request));
    if (request.blob_digests_size() <= parts_.limits.digests_max) return absl::OkStatus();
    return absl::InvalidArgumentError(fmt::format("blob_digests: {} digests; {} are allowed in one call",
                                                  request.blob_digests_size(), parts_.limits.digests_max));
  }

  void Find(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes, const RawCall& call) {
    v2::FindMissingBlobsRequest request;
    const absl::Status status = CheckFind(context, bytes, request);
    if (!status.ok()) return call.Finish(status);
    const bool in_place = parts_.reads_in_place && request.blob_digests_size() <= kDigestsInPlaceMax;
    const auto answer = [this, call](const v2::FindMissingBlobsRequest& asked) {
      v2::FindMissingBlobsResponse response;
      const absl::Status found = FindMissing(parts_, asked, response);
      call.Finish(found, response);
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

  // As Run, when there is memory for the answer and for the request, which `bytes` are.
  template <typename Response, typename Request, typename Batch>
  void RunLarge(const grpc::ByteBuffer& bytes, std::shared_ptr<Request> request, std::int64_t answer_bytes,
                const RawCall& call, const Batch& batch) {
    answer_bytes += static_cast<std::int64_t>(request->SpaceUsedLong());
    if (bytes.Length() > kLittleAnswerBytes) request = nullptr;
    call.Reserve(answer_bytes, [this, &bytes, &batch, request, call] {
      Run<Response>(request ? request : ParsedAgain<Request>(bytes), call, batch);
    });
  }

  const ServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewCasService(const ServiceParts& parts) { return std::make_unique<CasService>(parts); }

}  // namespace smelt
