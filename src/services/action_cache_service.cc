#include "src/services/action_cache_service.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "src/base/status_macros.h"
#include "src/reapi/digests.h"
#include "src/reapi/directory_check.h"
#include "src/services/caller.h"
#include "src/services/grpc_status.h"
#include "src/store/completeness_checking_action_cache.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

// Puts blobs into a result while there is room: they save a round trip, and are never needed.
class Inliner {
 public:
  Inliner(const ServiceParts& parts, const v2::ActionResult& result)
      : parts_(parts), room_(parts.limits.inline_bytes_max - static_cast<std::int64_t>(result.ByteSizeLong())) {}

  void Inline(const v2::Digest& name, std::string* bytes) {
    const absl::StatusOr<Digest> digest = reapi::FromProto(name);
    if (!digest.ok() || digest->size > room_ || !bytes->empty()) return;
    const absl::StatusOr<Bytes> blob = parts_.blobs.Get(*digest);
    if (!blob.ok()) return;
    absl::StatusOr<std::string> read = blob->ReadAll();
    if (!read.ok()) return;
    room_ -= digest->size;
    *bytes = *std::move(read);
  }

 private:
  const ServiceParts& parts_;
  std::int64_t room_;
};

void InlineWhatIsAsked(const ServiceParts& parts, const v2::GetActionResultRequest& request, v2::ActionResult& result) {
  if (!request.inline_stdout() && !request.inline_stderr() && request.inline_output_files().empty()) return;
  Inliner inliner(parts, result);
  if (request.inline_stdout() && result.has_stdout_digest()) {
    inliner.Inline(result.stdout_digest(), result.mutable_stdout_raw());
  }
  if (request.inline_stderr() && result.has_stderr_digest()) {
    inliner.Inline(result.stderr_digest(), result.mutable_stderr_raw());
  }
  const absl::flat_hash_set<std::string> asked(request.inline_output_files().begin(),
                                               request.inline_output_files().end());
  if (asked.empty()) return;
  for (v2::OutputFile& file : *result.mutable_output_files()) {
    if (asked.contains(file.path())) inliner.Inline(file.digest(), file.mutable_contents());
  }
}

absl::Status Get(const ServiceParts& parts, const v2::GetActionResultRequest& request, v2::ActionResult& response) {
  ASSIGN_OR_RETURN(const Digest action, reapi::FromProto(request.action_digest()));
  const std::shared_ptr<ActionCache> actions = parts.actions.Of(request.instance_name());
  ASSIGN_OR_RETURN(response, CompletenessCheckingActionCache(*actions, parts.blobs).Get(action));
  InlineWhatIsAsked(parts, request, response);
  return absl::OkStatus();
}

absl::Status CheckUpdate(const v2::UpdateActionResultRequest& request) {
  RETURN_IF_ERROR(reapi::FromProto(request.action_digest()).status());
  if (!request.has_action_result()) return absl::InvalidArgumentError("action_result: not there");
  return reapi::CheckActionResult(request.action_result());
}

void Update(const ServiceParts& parts, const v2::UpdateActionResultRequest& request,
            std::function<void(absl::Status)> done) {
  const Digest action = *reapi::FromProto(request.action_digest());
  if (parts.puts != nullptr) {
    return parts.puts->PutResult(request.instance_name(), action, request.action_result(), std::move(done));
  }
  done(parts.actions.Of(request.instance_name())->Put(action, request.action_result()));
}

class ActionCacheService : public v2::ActionCache::CallbackService {
 public:
  explicit ActionCacheService(const ServiceParts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* GetActionResult(grpc::CallbackServerContext* context,
                                            const v2::GetActionResultRequest* request,
                                            v2::ActionResult* response) override {
    auto* reactor = context->DefaultReactor();
    const absl::Status status = Check(*context, *request, Permission::kReadActions).status();
    if (!status.ok() || parts_.reads_in_place) {
      reactor->Finish(ToGrpc(status.ok() ? Get(parts_, *request, *response) : status));
      return reactor;
    }
    return Submit(reactor, parts_.reads, [=, this] { reactor->Finish(ToGrpc(Get(parts_, *request, *response))); });
  }

  grpc::ServerUnaryReactor* UpdateActionResult(grpc::CallbackServerContext* context,
                                               const v2::UpdateActionResultRequest* request,
                                               v2::ActionResult* response) override {
    auto* reactor = context->DefaultReactor();
    const absl::StatusOr<Principal> who = Check(*context, *request, Permission::kWriteActions);
    const absl::Status status = who.ok() ? CheckUpdate(*request) : who.status();
    if (!status.ok()) {
      reactor->Finish(ToGrpc(status));
      return reactor;
    }
    const auto finish = [=, this](absl::Status done) {
      if (done.ok()) *response = request->action_result();
      if (done.ok()) Audit(*who, *context, *request);
      reactor->Finish(ToGrpc(done));
    };
    if (parts_.puts == nullptr) {
      return Submit(reactor, parts_.writes, [=, this] { Update(parts_, *request, finish); });
    }
    Update(parts_, *request, finish);
    return reactor;
  }

 private:
  template <typename Request>
  absl::StatusOr<Principal> Check(const grpc::CallbackServerContext& context, const Request& request,
                                  Permission permission) {
    return CheckCall(parts_.authorizer, context, request.instance_name(), request.digest_function(), permission);
  }

  void Audit(const Principal& who, const grpc::CallbackServerContext& context,
             const v2::UpdateActionResultRequest& request) const {
    if (parts_.audit == nullptr) return;
    parts_.audit->Wrote(who, context.peer(), request.instance_name(), *reapi::FromProto(request.action_digest()));
  }

  static grpc::ServerUnaryReactor* Submit(grpc::ServerUnaryReactor* reactor, WorkerPool& pool, WorkerPool::Task task) {
    if (!pool.Submit(std::move(task))) reactor->Finish(ToGrpc(TooBusy()));
    return reactor;
  }

  const ServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewActionCacheService(const ServiceParts& parts) {
  return std::make_unique<ActionCacheService>(parts);
}

}  // namespace smelt
