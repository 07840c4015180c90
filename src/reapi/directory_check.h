#ifndef SMELT_REAPI_DIRECTORY_CHECK_H_
#define SMELT_REAPI_DIRECTORY_CHECK_H_

#include <string_view>

#include "absl/status/status.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"

namespace smelt::reapi {

inline constexpr std::size_t kNameBytesMax = 255;
inline constexpr std::size_t kPathBytesMax = 4096;

// OK if `directory` can be laid out on a disk and is REAPI's one form of itself: each name is one segment (not empty,
// not "." or "..", no slash, no NUL, at most 255 bytes), names of files, directories and links are sorted by their
// bytes and each is there once, digests are SHA-256, link targets are not empty. Else INVALID_ARGUMENT, which names the
// field.
absl::Status CheckDirectory(const build::bazel::remote::execution::v2::Directory& directory);

// OK if every path of an output in `result` stays below where it is laid out: relative, made of such names; digests are
// there and SHA-256; bytes beside a digest have it; targets of links are not empty. Else INVALID_ARGUMENT, which names
// the field.
absl::Status CheckActionResult(const build::bazel::remote::execution::v2::ActionResult& result);

}  // namespace smelt::reapi

#endif  // SMELT_REAPI_DIRECTORY_CHECK_H_
