#include "src/store/spool.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/pieces.h"

namespace smelt {
namespace {

constexpr std::size_t kPieceBytes = 256 << 10;  // what was just digested is still in the processor's cache

std::string DefaultDirectory() {
  const char* directory = std::getenv("TMPDIR");
  return directory == nullptr || *directory == '\0' ? "/tmp" : directory;
}

}  // namespace

Spool::Spool(std::string directory, std::int64_t memory_bytes, Digesting digesting)
    : directory_(directory.empty() ? DefaultDirectory() : std::move(directory)), memory_bytes_(memory_bytes) {
  if (digesting == Digesting::kYes) hasher_.emplace();
}

absl::Status Spool::Append(std::string_view bytes) {
  const std::int64_t end = size_ + static_cast<std::int64_t>(bytes.size());
  if (insertion_ && insertion_->offset <= end) {
    const std::string_view before = bytes.substr(0, static_cast<std::size_t>(insertion_->offset - size_));
    RETURN_IF_ERROR(Hold(before));
    RETURN_IF_ERROR(AppendInserted());
    bytes.remove_prefix(before.size());
  }
  size_ = end;
  return Hold(bytes);
}

absl::Status Spool::AppendInserted() {
  const Bytes inserted = std::exchange(insertion_, std::nullopt)->bytes;
  return ForEachPiece(inserted, [this](std::string_view piece) { return Hold(piece); });
}

absl::Status Spool::Hold(std::string_view bytes) {
  held_bytes_ += static_cast<std::int64_t>(bytes.size());
  if (!file_.is_open() && held_bytes_ > memory_bytes_) RETURN_IF_ERROR(MoveToFile());
  if (file_.is_open()) return Write(bytes);
  memory_.append(bytes);
  return absl::OkStatus();
}

absl::Status Spool::MoveToFile() {
  ASSIGN_OR_RETURN(file_, UnnamedFile::Open(directory_));
  RETURN_IF_ERROR(Write(memory_));
  memory_ = {};
  return absl::OkStatus();
}

absl::Status Spool::Write(std::string_view bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPieceBytes))) {
    const std::string_view piece = bytes.substr(0, kPieceBytes);
    if (hasher_) hasher_->Update(piece);
    RETURN_IF_ERROR(file_.Append(piece));
  }
  return absl::OkStatus();
}

absl::StatusOr<Bytes> Spool::Finish() {
  if (insertion_ && insertion_->offset != size_) {
    return absl::OutOfRangeError(fmt::format("nothing can be inserted at {} of {} bytes", insertion_->offset, size_));
  }
  if (insertion_) RETURN_IF_ERROR(AppendInserted());
  size_ = 0;
  const std::int64_t size = std::exchange(held_bytes_, 0);
  if (!file_.is_open()) return Bytes(std::exchange(memory_, {}));
  UniqueFd fd = std::exchange(file_, UnnamedFile()).Release();
  return hasher_ ? Bytes(std::move(fd), hasher_->Finish()) : Bytes(std::move(fd), size);
}

}  // namespace smelt
