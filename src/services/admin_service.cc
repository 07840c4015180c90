#include "src/services/admin_service.h"

#include <utility>

#include "glog/logging.h"
#include "grpcpp/grpcpp.h"
#include "smelt/admin/v1/admin.grpc.pb.h"
#include "src/base/status_macros.h"
#include "src/services/caller.h"
#include "src/services/messages/raw_call.h"
#include "src/services/worker_pool.h"

namespace smelt {
namespace {

constexpr std::size_t kCallsMax = 16;

using RawService = admin::v1::Admin::WithRawCallbackMethod_CollectGarbage<
    admin::v1::Admin::WithRawCallbackMethod_GetStatus<admin::v1::Admin::Service>>;

class AdminService : public RawService {
 public:
  AdminService(Authorizer& authorizer, Administration administration)
      : authorizer_(authorizer), administration_(std::move(administration)) {}

  grpc::ServerUnaryReactor* CollectGarbage(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override {
    return Run<admin::v1::CollectGarbageRequest, admin::v1::CollectGarbageResponse>(
        *context, *request, *response, [this](const auto& asked, auto& answer) { return Collect(asked, answer); });
  }

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override {
    return Run<admin::v1::GetStatusRequest, admin::v1::GetStatusResponse>(
        *context, *request, *response, [this](const auto&, auto& answer) {
          answer.set_json(administration_.status_json());
          return absl::OkStatus();
        });
  }

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext& context, const grpc::ByteBuffer& request,
                                grpc::ByteBuffer& response,
                                std::function<absl::Status(const Request&, Response&)> work) {
    const RawCall call(context, request, response);
    Request asked;
    absl::Status may = ParseMessage(request, asked);
    std::optional<std::string_view> instance;
    if (!asked.instance_name().empty()) instance = asked.instance_name();
    if (may.ok()) may = MayCall(authorizer_, context, instance, Permission::kAdminister);
    if (!may.ok()) {
      call.Finish(may);
      return call.reactor();
    }
    const bool taken = pool_.Submit([call, asked = std::move(asked), work = std::move(work)] {
      Response answer;
      const absl::Status done = work(asked, answer);
      call.Finish(done, answer);
    });
    if (!taken) call.Finish(absl::ResourceExhaustedError("too many calls of administrators wait; try again later"));
    return call.reactor();
  }

  absl::Status Collect(const admin::v1::CollectGarbageRequest& request, admin::v1::CollectGarbageResponse& response) {
    std::optional<std::int64_t> down_to;
    if (request.has_down_to_bytes()) down_to = request.down_to_bytes();
    if (down_to && *down_to < 0) return absl::InvalidArgumentError("down_to_bytes is negative");
    ASSIGN_OR_RETURN(const Administration::Collected done, administration_.collect(request.dry_run(), down_to));
    LOG(INFO) << (request.dry_run() ? "would collect " : "collected ") << done.blobs_removed << " blobs and "
              << done.actions_removed << " results: " << done.bytes_before << " to " << done.bytes_after << " bytes";
    response.set_bytes_before(done.bytes_before);
    response.set_bytes_after(done.bytes_after);
    response.set_blobs_removed(done.blobs_removed);
    response.set_actions_removed(done.actions_removed);
    if (done.bucket) {
      response.mutable_bucket()->set_bytes(done.bucket->bytes);
      response.mutable_bucket()->set_condemned_bytes(done.bucket->condemned_bytes);
      response.mutable_bucket()->set_objects_deleted(done.bucket->objects_deleted);
      response.mutable_bucket()->set_bytes_deleted(done.bucket->bytes_deleted);
    }
    return absl::OkStatus();
  }

  Authorizer& authorizer_;
  const Administration administration_;
  WorkerPool pool_{1, kCallsMax};
};

}  // namespace

std::unique_ptr<grpc::Service> NewAdminService(Authorizer& authorizer, Administration administration) {
  return std::make_unique<AdminService>(authorizer, std::move(administration));
}

}  // namespace smelt
