#ifndef SMELT_STORE_PACKED_BLOBS_H_
#define SMELT_STORE_PACKED_BLOBS_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "src/digest/digest.h"

namespace smelt {

// Takes the frames of a blob as they arrive.
struct PackedSink {
  // Before the first piece, and again whenever they begin anew: `bytes` will come, and what came before is void.
  std::function<void(std::int64_t bytes)> begin;

  // An error ends it, and is its status.
  std::function<absl::Status(std::string_view)> add;
};

// Blobs in the form that a far store has them in. Thread-safe; blocks.
class PackedBlobs {
 public:
  virtual ~PackedBlobs() = default;

  // The zstd frames of a blob, into `sink`. Nobody has unpacked them: they may be those of another blob.
  // NOT_FOUND for a blob that is not there, or not in this form; DATA_LOSS if there are fewer bytes than there should
  // be, or more.
  virtual absl::Status ReadPacked(const Digest& digest, const PackedSink& sink) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_PACKED_BLOBS_H_
