#include "src/services/tree/tree_pages.h"

#include <charconv>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/reapi/digests.h"

namespace smelt {

namespace v2 = build::bazel::remote::execution::v2;

namespace {

constexpr std::size_t kPageBytes = 256 << 10;

std::string TokenAfter(std::int64_t sent, const Digest& root) { return fmt::format("{}:{}", sent, root.Hex()); }

absl::StatusOr<std::int64_t> SentBefore(const std::string& token, const Digest& root) {
  if (token.empty()) return 0;
  std::int64_t sent = 0;
  std::from_chars(token.data(), token.data() + token.size(), sent);
  if (sent <= 0 || token != TokenAfter(sent, root)) {
    return absl::InvalidArgumentError("page_token: not one that this root's pages gave");
  }
  return sent;
}

}  // namespace

absl::StatusOr<TreePages> TreePages::Of(BlobStore& blobs, const Limits& limits, const v2::GetTreeRequest& request) {
  if (request.page_size() < 0) return absl::InvalidArgumentError("page_size: negative");
  TreePages pages;
  ASSIGN_OR_RETURN(pages.root_, reapi::FromProto(request.root_digest()));
  ASSIGN_OR_RETURN(pages.skip_, SentBefore(request.page_token(), pages.root_));
  if (request.page_size() > 0) pages.page_size_ = request.page_size();
  pages.walk_ = std::make_unique<TreeWalk>(blobs, pages.root_, limits);
  return pages;
}

absl::Status TreePages::Next(v2::GetTreeResponse& page) {
  page.Clear();
  std::size_t bytes = 0;
  while (page.directories_size() < page_size_ && bytes < kPageBytes) {
    RETURN_IF_ERROR(Advance());
    if (!next_.has_value()) return absl::OkStatus();
    bytes += next_->ByteSizeLong();
    *page.add_directories() = *std::exchange(next_, std::nullopt);
    ++sent_;
  }
  RETURN_IF_ERROR(Advance());
  if (next_.has_value()) page.set_next_page_token(TokenAfter(sent_, root_));
  return absl::OkStatus();
}

// Has the next directory that is to be sent in next_, unless there is none.
absl::Status TreePages::Advance() {
  if (next_.has_value()) return absl::OkStatus();
  for (;; ++sent_) {
    ASSIGN_OR_RETURN(next_, walk_->Next());
    if (!next_.has_value() || sent_ >= skip_) return absl::OkStatus();
  }
}

}  // namespace smelt
