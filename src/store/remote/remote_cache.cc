#include "src/store/remote/remote_cache.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/reapi/digests.h"
#include "src/store/remote/connection.h"
#include "src/store/remote/remote_blob_store.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

// What a server says goes through reapi::ParseResult, which gRPC's own call would not do.
grpc::Status AskForResult(grpc::ClientContext& context, const std::shared_ptr<grpc::Channel>& channel,
                          const v2::GetActionResultRequest& request, grpc::ByteBuffer& answer) {
  const grpc::Slice slice(request.SerializeAsString());
  grpc::CompletionQueue queue;
  const auto call = grpc::GenericStub(channel).PrepareUnaryCall(
      &context, "/build.bazel.remote.execution.v2.ActionCache/GetActionResult", grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  return status;
}

absl::StatusOr<v2::ActionResult> ResultIn(const grpc::ByteBuffer& answer) {
  grpc::Slice bytes;
  if (!answer.DumpToSingleSlice(&bytes).ok()) return absl::NotFoundError("no result came");
  absl::StatusOr<v2::ActionResult> result =
      reapi::ParseResult({reinterpret_cast<const char*>(bytes.begin()), bytes.size()});
  return result.ok() ? result : absl::NotFoundError(std::string(result.status().message()));
}

// Some servers make a blob of stdout_raw, and put it back in only if they like. What we keep there has to be there.
class RemoteActionCache : public ActionCache {
 public:
  RemoteActionCache(Connection& connection, RemoteBlobStore& blobs) : connection_(connection), blobs_(blobs) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override {
    v2::GetActionResultRequest request;
    request.set_instance_name(connection_.options().instance);
    *request.mutable_action_digest() = reapi::ToProto(action);
    request.set_inline_stdout(true);
    grpc::ByteBuffer answer;
    RETURN_IF_ERROR(connection_.Call("GetActionResult", 0, [&](grpc::ClientContext& context, const auto& channel) {
      connection_.CountUp(static_cast<std::int64_t>(request.ByteSizeLong()));
      return AskForResult(context, channel, request, answer);
    }));
    connection_.CountDown(static_cast<std::int64_t>(answer.Length()));
    ASSIGN_OR_RETURN(ActionResult result, ResultIn(answer));
    RETURN_IF_ERROR(PutStandardOutputIn(result));
    return result;
  }

  absl::Status Put(const Digest& action, const ActionResult& result) override {
    RETURN_IF_ERROR(connection_.Reach());
    if (!connection_.abilities().action_updates) {
      return absl::PermissionDeniedError(connection_.options().endpoint + " lets us only read");
    }
    v2::UpdateActionResultRequest request;
    request.set_instance_name(connection_.options().instance);
    *request.mutable_action_digest() = reapi::ToProto(action);
    *request.mutable_action_result() = result;
    ActionResult kept;
    return connection_.Call("UpdateActionResult", static_cast<std::int64_t>(request.ByteSizeLong()),
                            [&](grpc::ClientContext& context, const auto& channel) {
                              connection_.CountUp(static_cast<std::int64_t>(request.ByteSizeLong()));
                              return v2::ActionCache::NewStub(channel)->UpdateActionResult(&context, request, &kept);
                            });
  }

 private:
  absl::Status PutStandardOutputIn(ActionResult& result) {
    if (!result.has_stdout_digest()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Digest digest, reapi::FromProto(result.stdout_digest()));
    if (result.stdout_raw().empty() && digest.size > 0) {
      if (digest.size > reapi::kResultBytesMax) return absl::NotFoundError("too much standard output");
      ASSIGN_OR_RETURN(const Bytes bytes, blobs_.Get(digest));
      ASSIGN_OR_RETURN(*result.mutable_stdout_raw(), bytes.ReadAll());
    }
    if (DigestOf(result.stdout_raw()) != digest)
      return absl::NotFoundError("another standard output than it should be");
    result.clear_stdout_digest();
    return absl::OkStatus();
  }

  Connection& connection_;
  RemoteBlobStore& blobs_;
};

class RemoteCache : public SharedCache {
 public:
  explicit RemoteCache(std::unique_ptr<Connection> connection)
      : connection_(std::move(connection)), blobs_(*connection_), actions_(*connection_, blobs_) {}

  BlobStore& blobs() override { return blobs_; }
  ActionCache& actions() override { return actions_; }
  absl::StatusOr<Bytes> GetWith(const Digest& digest, const Insertion& insertion, const Digest& whole,
                                const std::string& directory) override {
    RETURN_IF_ERROR(connection_->Reach());
    if (!blobs_.IsStreamed(digest)) return SharedCache::GetWith(digest, insertion, whole, directory);
    return blobs_.GetStreamed(digest, &insertion, whole);
  }
  absl::Status Reach() override { return connection_->Reach(); }
  SharedCacheState State() override { return connection_->State(); }

 private:
  const std::unique_ptr<Connection> connection_;
  RemoteBlobStore blobs_;
  RemoteActionCache actions_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SharedCache>> OpenRemoteCache(const RemoteOptions& options, Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Make(options, clock));
  return std::make_unique<RemoteCache>(std::move(connection));
}

}  // namespace smelt
