#include "src/base/errno_status.h"

#include <errno.h>

#include <string>
#include <system_error>

namespace smelt {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::StatusCode::kNotFound;
    case ENOSPC:
    case EDQUOT:
      return absl::StatusCode::kResourceExhausted;
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::StatusCode::kPermissionDenied;
    case EXDEV:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::ErrnoToStatusCode(error);
  }
}

}  // namespace

absl::Status ErrnoStatus(int error, std::string_view what) {
  std::string message(what);
  message += ": ";
  message += std::generic_category().message(error);
  return absl::Status(CodeOf(error), message);
}

}  // namespace smelt
