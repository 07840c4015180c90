#ifndef SMELT_SERVICES_BATCH_H_
#define SMELT_SERVICES_BATCH_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/services/messages/batch_read_answer.h"
#include "src/services/service_parts.h"

namespace smelt {

using BatchDone = std::function<void(absl::Status)>;

// Of an answer, at most, for each blob beside its bytes.
inline constexpr std::int64_t kAnswerBytesOfEach = 256;

// BatchUpdateBlobs: many blobs are written at once, so that they share the disk's syncs. `done` is called once, on any
// thread; request and response live until then. INVALID_ARGUMENT for the whole if it is too large; what is wrong with
// one blob is in its own status.
void BatchUpdate(const ServiceParts& parts, const build::bazel::remote::execution::v2::BatchUpdateBlobsRequest& request,
                 build::bazel::remote::execution::v2::BatchUpdateBlobsResponse& response, BatchDone done);

// What the answer to BatchReadBlobs takes, at most. INVALID_ARGUMENT if too much is asked for.
absl::StatusOr<std::int64_t> BatchReadBytes(const ServiceParts& parts,
                                            const build::bazel::remote::execution::v2::BatchReadBlobsRequest& request);

// BatchReadBlobs, likewise, of what BatchReadBytes has found to be right.
void BatchRead(const ServiceParts& parts, const build::bazel::remote::execution::v2::BatchReadBlobsRequest& request,
               build::bazel::remote::execution::v2::BatchReadBlobsResponse& response, BatchDone done);

// BatchRead's answer to a call for a few little blobs that are all there, where the store has them at hand; else
// nothing, and BatchRead is to be asked. `answer_bytes` are BatchReadBytes.
std::optional<BatchReadAnswer> BatchReadAtOnce(
    const ServiceParts& parts, const build::bazel::remote::execution::v2::BatchReadBlobsRequest& request,
    std::int64_t answer_bytes);

}  // namespace smelt

#endif  // SMELT_SERVICES_BATCH_H_
