#include "src/services/action_cache_service.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "src/base/status_macros.h"
#include "src/reapi/bounded_parse.h"
#include "src/reapi/digests.h"
#include "src/reapi/directory_check.h"
#include "src/services/caller.h"
#include "src/services/messages/raw_call.h"
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

// What many ask for is answered with the bytes that the store has.
bool AnswerAtOnce(const ServiceParts& parts, const v2::GetActionResultRequest& request, const RawCall& call) {
  if (parts.results == nullptr || !request.inline_output_files().empty()) return false;
  const absl::StatusOr<Digest> action = reapi::FromProto(request.action_digest());
  if (!action.ok()) return false;
  const std::optional<CompleteResults::Result> found = parts.results->Find(request.instance_name(), *action);
  const bool wants_streams = request.inline_stdout() || request.inline_stderr();
  if (!found.has_value() || (wants_streams && found->names_output_streams)) return false;
  if (!parts.answers.IsLittle(static_cast<std::int64_t>(found->serialized.size()))) return false;
  const grpc::Slice answer(found->serialized.data(), found->serialized.size());
  call.Finish(grpc::ByteBuffer(&answer, 1));
  return true;
}

absl::Status CheckUpdate(const Limits& limits, const v2::UpdateActionResultRequest& request) {
  RETURN_IF_ERROR(reapi::FromProto(request.action_digest()).status());
  if (!request.has_action_result()) return absl::InvalidArgumentError("action_result: not there");
  RETURN_IF_ERROR(reapi::CheckResultSize(request.action_result(), limits.result_bytes_max));
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

using Base = v2::ActionCache::WithRawCallbackMethod_GetActionResult<
    v2::ActionCache::WithRawCallbackMethod_UpdateActionResult<v2::ActionCache::Service>>;

class ActionCacheService : public Base {
 public:
  explicit ActionCacheService(const ServiceParts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* GetActionResult(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                            grpc::ByteBuffer* response) override {
    const RawCall call(*context, *bytes, *response, &parts_.answers, parts_.calls, "GetActionResult");
    v2::GetActionResultRequest request;
    const absl::Status status = Check(*context, *bytes, Permission::kReadActions, request).status();
    if (!status.ok()) {
      call.Finish(status);
    } else if (!AnswerAtOnce(parts_, request, call)) {
      Submit(call, parts_.reads, [this, request, call] { LookUp(request, call); });
    }
    return call.reactor();
  }

  grpc::ServerUnaryReactor* UpdateActionResult(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* response) override {
    const RawCall call(*context, *bytes, *response, &parts_.answers, parts_.calls, "UpdateActionResult");
    const auto request = std::make_shared<v2::UpdateActionResultRequest>();
    const absl::StatusOr<Principal> who = Check(*context, *bytes, Permission::kWriteActions, *request);
    const absl::Status status = who.ok() ? CheckUpdate(parts_.limits, *request) : who.status();
    if (!status.ok()) {
      call.Finish(status);
      return call.reactor();
    }
    if (IsLittle(request->action_result())) {
      Store(*who, *context, request, call);
      return call.reactor();
    }
    call.Reserve(static_cast<std::int64_t>(bytes->Length() + request->SpaceUsedLong()),
                 [=, this] { Store(*who, *context, ParsedAgain<v2::UpdateActionResultRequest>(*bytes), call); });
    return call.reactor();
  }

 private:
  template <typename Request>
  absl::StatusOr<Principal> Check(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
                                  Permission permission, Request& request) {
    RETURN_IF_ERROR(ParseMessage(bytes, request));
    return CheckCall(parts_.authorizer, context, request.instance_name(), request.digest_function(), permission);
  }

  // A large result waits for its memory on the disk: it is looked up again when there is some.
  void LookUp(const v2::GetActionResultRequest& request, const RawCall& call) {
    v2::ActionResult result;
    const absl::Status status = Get(parts_, request, result);
    !status.ok() || IsLittle(result) ? call.Finish(status, result) : AnswerWhenReserved(request, call);
  }

  void AnswerWhenReserved(const v2::GetActionResultRequest& request, const RawCall& call) {
    const auto answer = [this, request, call] {
      v2::ActionResult result;
      const absl::Status status = Get(parts_, request, result);
      call.Finish(status, result);
    };
    call.Reserve(parts_.limits.result_bytes_max + parts_.limits.inline_bytes_max,
                 [this, call, answer] { Submit(call, parts_.reads, answer); });
  }

  void Store(const Principal& who, const grpc::CallbackServerContext& context,
             const std::shared_ptr<v2::UpdateActionResultRequest>& request, const RawCall& call) {
    const auto finish = [this, who, &context, request, call](absl::Status done) {
      if (done.ok()) Audit(who, context, *request);
      call.Finish(done, request->action_result());
    };
    const auto update = [this, request, finish] { Update(parts_, *request, finish); };
    parts_.puts == nullptr ? Submit(call, parts_.writes, update) : update();
  }

  bool IsLittle(const v2::ActionResult& result) const {
    return parts_.answers.IsLittle(static_cast<std::int64_t>(result.ByteSizeLong()));
  }

  void Audit(const Principal& who, const grpc::CallbackServerContext& context,
             const v2::UpdateActionResultRequest& request) const {
    if (parts_.audit == nullptr) return;
    parts_.audit->Wrote(who, context.peer(), request.instance_name(), *reapi::FromProto(request.action_digest()));
  }

  static void Submit(const RawCall& call, WorkerPool& pool, WorkerPool::Task task) {
    if (!pool.Submit(std::move(task))) call.Finish(TooBusy());
  }

  const ServiceParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> NewActionCacheService(const ServiceParts& parts) {
  return std::make_unique<ActionCacheService>(parts);
}

}  // namespace smelt
