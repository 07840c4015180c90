#include "src/services/get_tree.h"

#include <optional>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "src/services/grpc_status.h"
#include "src/services/messages/raw_call.h"
#include "src/services/tree/tree_pages.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

// What walking a tree may take: its Directory messages, and what is known of the directories they name.
constexpr std::int64_t kPartsOfTreeBytes = 2;

class GetTreeReactor : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  GetTreeReactor(const ServiceParts& parts, grpc::CallbackServerContext& context)
      : parts_(parts), stream_(parts.watch, context) {}

  void Start(const grpc::CallbackServerContext& context, const v2::GetTreeRequest& request,
             const absl::Status& checked) {
    if (!checked.ok()) return Finish(ToGrpc(checked));
    absl::StatusOr<TreePages> pages = TreePages::Of(parts_.blobs, parts_.limits, request);
    if (!pages.ok()) return Finish(ToGrpc(pages.status()));
    pages_ = std::move(*pages);
    stream_.Busy();
    parts_.budget.Acquire(context.peer(), kPartsOfTreeBytes * parts_.limits.tree_bytes_max,
                          [this](BytesBudget::Hold hold) {
                            hold_ = std::move(hold);
                            if (!parts_.reads.Submit([this] { SendPage(); })) Finish(ToGrpc(TooBusy()));
                          });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the client has gone"));
    stream_.Busy();
    parts_.reads.Continue([this] { SendPage(); });
  }

  void OnDone() override { delete this; }

 private:
  // Each message is a page and says where the next one begins.
  void SendPage() {
    const absl::Status status = pages_->Next(page_);
    if (!status.ok()) return Finish(ToGrpc(status));
    stream_.Moved();
    message_ = SerializeMessage(page_);
    if (page_.next_page_token().empty()) EndWalk();
    if (!page_.next_page_token().empty()) return StartWrite(&message_);
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc::Status::OK);
  }

  // Only the message is left, for its client to take.
  void EndWalk() {
    pages_.reset();
    hold_.ShrinkTo(static_cast<std::int64_t>(message_.Length()));
  }

  const ServiceParts& parts_;
  StreamWatch::Stream stream_;
  BytesBudget::Hold hold_;
  std::optional<TreePages> pages_;
  v2::GetTreeResponse page_;
  grpc::ByteBuffer message_;  // the page
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* StartGetTree(const ServiceParts& parts,
                                                         grpc::CallbackServerContext& context,
                                                         const v2::GetTreeRequest& request,
                                                         const absl::Status& checked) {
  auto* reactor = new GetTreeReactor(parts, context);
  reactor->Start(context, request, checked);
  return reactor;
}

}  // namespace smelt
