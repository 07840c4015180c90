#include "src/store/spool.h"

#include <cstdlib>
#include <utility>

#include "src/base/status_macros.h"

namespace smelt {
namespace {

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
  if (!file_.is_open() && size_ + static_cast<std::int64_t>(bytes.size()) > memory_bytes_)
    RETURN_IF_ERROR(MoveToFile());
  if (file_.is_open()) {
    RETURN_IF_ERROR(Write(bytes));
  } else {
    memory_.append(bytes);
  }
  size_ += static_cast<std::int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status Spool::MoveToFile() {
  ASSIGN_OR_RETURN(file_, UnnamedFile::Open(directory_));
  RETURN_IF_ERROR(Write(memory_));
  memory_ = {};
  return absl::OkStatus();
}

absl::Status Spool::Write(std::string_view bytes) {
  if (hasher_) hasher_->Update(bytes);
  return file_.Append(bytes);
}

absl::StatusOr<Bytes> Spool::Finish() {
  const std::int64_t size = std::exchange(size_, 0);
  if (!file_.is_open()) return Bytes(std::exchange(memory_, {}));
  UniqueFd fd = std::exchange(file_, UnnamedFile()).Release();
  return hasher_ ? Bytes(std::move(fd), hasher_->Finish()) : Bytes(std::move(fd), size);
}

}  // namespace smelt
