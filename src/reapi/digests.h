#ifndef SMELT_REAPI_DIGESTS_H_
#define SMELT_REAPI_DIGESTS_H_

#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/digest/digest.h"

namespace smelt::reapi {

namespace v2 = build::bazel::remote::execution::v2;

v2::Digest ToProto(const Digest& digest);

// INVALID_ARGUMENT for a message that is not a SHA-256 digest with a size of at least 0.
absl::StatusOr<Digest> FromProto(const v2::Digest& digest);

}  // namespace smelt::reapi

#endif  // SMELT_REAPI_DIGESTS_H_
