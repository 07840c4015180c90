#include "src/services/get_tree.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/grpcpp.h"
#include "src/base/status_macros.h"
#include "src/reapi/digests.h"
#include "src/services/grpc_status.h"
#include "src/services/tree_walk.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr std::size_t kPageBytes = 256 << 10;

// A token is "<how many directories were sent>:<the root's hash>".
absl::StatusOr<std::int64_t> SentBefore(const v2::GetTreeRequest& request) {
  const std::string& token = request.page_token();
  if (token.empty()) return 0;
  std::int64_t sent = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), sent);
  if (error != std::errc() || sent <= 0 ||
      token.substr(static_cast<std::size_t>(end - token.data())) != ":" + request.root_digest().hash()) {
    return absl::InvalidArgumentError("page_token: not one that this root's pages gave");
  }
  return sent;
}

class GetTreeReactor : public grpc::ServerWriteReactor<v2::GetTreeResponse> {
 public:
  GetTreeReactor(const ServiceParts& parts, grpc::CallbackServerContext& context)
      : parts_(parts), stream_(parts.watch, context) {}

  void Start(const v2::GetTreeRequest& request, absl::Status status) {
    if (status.ok()) status = Prepare(request);
    if (!status.ok()) return Finish(ToGrpc(status));
    stream_.Busy();
    if (!parts_.reads.Submit([this] { SendPage(); })) Finish(ToGrpc(TooBusy()));
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the client has gone"));
    stream_.Busy();
    parts_.reads.Continue([this] { SendPage(); });
  }

  void OnDone() override { delete this; }

 private:
  absl::Status Prepare(const v2::GetTreeRequest& request) {
    if (request.page_size() < 0) return absl::InvalidArgumentError("page_size: negative");
    ASSIGN_OR_RETURN(root_, reapi::FromProto(request.root_digest()));
    ASSIGN_OR_RETURN(skip_, SentBefore(request));
    if (request.page_size() > 0) page_size_ = request.page_size();
    walk_ = std::make_unique<TreeWalk>(parts_.blobs, root_, parts_.limits);
    return absl::OkStatus();
  }

  // Each message is a page and says where the next one begins.
  void SendPage() {
    const absl::Status status = FillPage();
    if (!status.ok()) return Finish(ToGrpc(status));
    stream_.Moved();
    if (!page_.next_page_token().empty()) return StartWrite(&page_);
    StartWriteAndFinish(&page_, grpc::WriteOptions(), grpc::Status::OK);
  }

  absl::Status FillPage() {
    page_.Clear();
    std::size_t bytes = 0;
    while (page_.directories_size() < page_size_ && bytes < kPageBytes) {
      RETURN_IF_ERROR(Advance());
      if (!next_.has_value()) return absl::OkStatus();
      bytes += next_->ByteSizeLong();
      *page_.add_directories() = *std::exchange(next_, std::nullopt);
      ++sent_;
    }
    RETURN_IF_ERROR(Advance());
    if (next_.has_value()) page_.set_next_page_token(fmt::format("{}:{}", sent_, root_.Hex()));
    return absl::OkStatus();
  }

  // Has the next directory that is to be sent in next_, unless there is none.
  absl::Status Advance() {
    if (next_.has_value()) return absl::OkStatus();
    for (;; ++sent_) {
      ASSIGN_OR_RETURN(next_, walk_->Next());
      if (!next_.has_value() || sent_ >= skip_) return absl::OkStatus();
    }
  }

  const ServiceParts& parts_;
  StreamWatch::Stream stream_;
  Digest root_;
  int page_size_ = INT32_MAX;
  std::int64_t skip_ = 0, sent_ = 0;
  std::unique_ptr<TreeWalk> walk_;
  std::optional<v2::Directory> next_;
  v2::GetTreeResponse page_;
};

}  // namespace

grpc::ServerWriteReactor<v2::GetTreeResponse>* StartGetTree(const ServiceParts& parts,
                                                            grpc::CallbackServerContext& context,
                                                            const v2::GetTreeRequest& request,
                                                            const absl::Status& checked) {
  auto* reactor = new GetTreeReactor(parts, context);
  reactor->Start(request, checked);
  return reactor;
}

}  // namespace smelt
