#ifndef SMELT_SERVICES_BYTE_STREAM_READ_RANGE_H_
#define SMELT_SERVICES_BYTE_STREAM_READ_RANGE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "src/digest/digest.h"
#include "src/reapi/resource_name.h"
#include "src/reapi/zstd_wishes.h"

namespace google::bytestream {
class ReadRequest;
}  // namespace google::bytestream

namespace smelt {

// What a ByteStream.Read is to send: the bytes [begin, end) of a blob, 0 <= begin <= end <= digest.size.
struct ReadRange {
  Digest digest;
  bool zstd = false;
  std::int64_t begin = 0, end = 0;
  reapi::ZstdWishes wishes = {};  // of a client that wants zstd

  bool IsWhole() const { return begin == 0 && end == digest.size; }
};

// `name` is the request's resource_name, parsed. INVALID_ARGUMENT for a negative limit, or one with zstd; OUT_OF_RANGE
// for an offset that is not within the blob.
absl::StatusOr<ReadRange> ReadRangeOf(const google::bytestream::ReadRequest& request, const reapi::ResourceName& name);

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTE_STREAM_READ_RANGE_H_
