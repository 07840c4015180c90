#include "src/services/staged_upload.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

// Digested and written while they are in the processor's cache.
constexpr std::size_t kPieceBytes = 64 << 10;

}  // namespace

absl::Status StagedUpload::Append(std::string data) {
  const auto length = static_cast<std::int64_t>(data.size());
  if (length > bytes_max_ - size_) {
    return absl::InvalidArgumentError(
        fmt::format("data: goes beyond {} bytes, which is all this blob can have", bytes_max_));
  }
  if (in_memory()) {
    if (size_ == 0) {
      memory_ = std::move(data);
    } else {
      memory_.append(data);
    }
  } else {
    RETURN_IF_ERROR(AppendToFile(data));
  }
  size_ += length;
  return absl::OkStatus();
}

absl::Status StagedUpload::AppendToFile(std::string_view data) {
  if (!file_.is_open()) {
    ASSIGN_OR_RETURN(share_, room_.Open());
    ASSIGN_OR_RETURN(file_, UnnamedFile::Open(room_.directory()));
  }
  RETURN_IF_ERROR(share_.Grow(static_cast<std::int64_t>(data.size())));
  for (; !data.empty(); data.remove_prefix(std::min(kPieceBytes, data.size()))) {
    const std::string_view piece = data.substr(0, kPieceBytes);
    hasher_.Update(piece);
    RETURN_IF_ERROR(file_.Append(piece));
  }
  return absl::OkStatus();
}

Bytes StagedUpload::Finish() && {
  share_ = StagingRoom::Share();
  return file_.is_open() ? Bytes(std::move(file_).Release(), hasher_.Finish()) : Bytes(std::move(memory_));
}

}  // namespace smelt
