#include "src/store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>

#include "src/base/errno_status.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

std::string DefaultDirectory() {
  const char* directory = std::getenv("TMPDIR");
  return directory == nullptr || *directory == '\0' ? "/tmp" : directory;
}

absl::StatusOr<UniqueFd> UnnamedFile(const std::string& directory) {
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.valid()) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) return ErrnoStatus(errno, "file in " + directory);
  std::string name = directory + "/.smelt-spool-XXXXXX";
  file.Reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "file in " + directory);
  ::unlink(name.c_str());
  return file;
}

}  // namespace

Spool::Spool(std::string directory, std::int64_t memory_bytes)
    : directory_(directory.empty() ? DefaultDirectory() : std::move(directory)), memory_bytes_(memory_bytes) {}

absl::Status Spool::Append(std::string_view bytes) {
  if (!file_.valid() && size_ + static_cast<std::int64_t>(bytes.size()) > memory_bytes_) RETURN_IF_ERROR(MoveToFile());
  if (file_.valid()) RETURN_IF_ERROR(Write(bytes));
  if (!file_.valid()) memory_.append(bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
  return absl::OkStatus();
}

absl::Status Spool::MoveToFile() {
  ASSIGN_OR_RETURN(file_, UnnamedFile(directory_));
  RETURN_IF_ERROR(Write(memory_));
  memory_ = {};
  return absl::OkStatus();
}

absl::Status Spool::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write to a file in " + directory_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::StatusOr<Bytes> Spool::Finish() {
  const std::int64_t size = std::exchange(size_, 0);
  if (file_.valid()) return Bytes(std::exchange(file_, UniqueFd()), size);
  return Bytes(std::exchange(memory_, {}));
}

}  // namespace smelt
