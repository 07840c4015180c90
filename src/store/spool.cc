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

Spool::Spool(std::string directory, std::int64_t memory_bytes)
    : directory_(directory.empty() ? DefaultDirectory() : std::move(directory)), memory_bytes_(memory_bytes) {}

absl::Status Spool::Append(std::string_view bytes) {
  if (!file_.is_open() && size_ + static_cast<std::int64_t>(bytes.size()) > memory_bytes_)
    RETURN_IF_ERROR(MoveToFile());
  if (file_.is_open()) {
    RETURN_IF_ERROR(file_.Append(bytes));
  } else {
    memory_.append(bytes);
  }
  size_ += static_cast<std::int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status Spool::MoveToFile() {
  ASSIGN_OR_RETURN(file_, UnnamedFile::Open(directory_));
  RETURN_IF_ERROR(file_.Append(memory_));
  memory_ = {};
  return absl::OkStatus();
}

absl::StatusOr<Bytes> Spool::Finish() {
  const std::int64_t size = std::exchange(size_, 0);
  if (file_.is_open()) return Bytes(std::exchange(file_, UnnamedFile()).Release(), size);
  return Bytes(std::exchange(memory_, {}));
}

}  // namespace smelt
