#include "src/services/staged_upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <utility>

#include "fmt/format.h"
#include "src/base/errno_status.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

absl::Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write of an upload's file");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UniqueFd> OpenUnnamed(const std::string& directory) {
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.valid()) return file;
  if (errno != EOPNOTSUPP && errno != EISDIR) return ErrnoStatus(errno, "open an unnamed file in " + directory);
  std::string name = directory + "/upload-XXXXXX";
  file.Reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "open " + name);
  ::unlink(name.c_str());
  return file;
}

absl::Status StagedUpload::Append(std::string&& data) {
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
    if (!file_.valid()) {
      ASSIGN_OR_RETURN(file_, OpenUnnamed(directory_));
    }
    RETURN_IF_ERROR(WriteAll(file_.get(), data));
    hasher_.Update(data);
  }
  size_ += length;
  return absl::OkStatus();
}

Bytes StagedUpload::Finish() && {
  return file_.valid() ? Bytes(std::move(file_), hasher_.Finish()) : Bytes(std::move(memory_));
}

}  // namespace smelt
