#ifndef SMELT_BASE_ERRNO_STATUS_H_
#define SMELT_BASE_ERRNO_STATUS_H_

#include <string_view>

#include "absl/status/status.h"

namespace smelt {

// "<what>: <the system's words for `error`>" with errno's canonical code: NOT_FOUND for ENOENT and ENOTDIR,
// RESOURCE_EXHAUSTED for ENOSPC and EDQUOT, PERMISSION_DENIED for EACCES, EPERM and EROFS, ALREADY_EXISTS for EEXIST,
// UNIMPLEMENTED for EXDEV, as absl::ErrnoToStatusCode for the rest. `what` names the call and the path: "open /a/b".
absl::Status ErrnoStatus(int error, std::string_view what);

}  // namespace smelt

#endif  // SMELT_BASE_ERRNO_STATUS_H_
