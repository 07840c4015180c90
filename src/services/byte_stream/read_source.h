#ifndef SMELT_SERVICES_BYTE_STREAM_READ_SOURCE_H_
#define SMELT_SERVICES_BYTE_STREAM_READ_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "src/services/byte_stream/read_range.h"
#include "src/services/zstd/zstd_forms.h"
#include "src/store/bytes.h"

namespace grpc {
class ByteBuffer;
}  // namespace grpc

namespace smelt {

// The messages of one ByteStream.Read, one after the other. One thread at a time.
class ReadSource {
 public:
  virtual ~ReadSource() = default;

  // The next one, a serialised ReadResponse.
  virtual absl::StatusOr<grpc::ByteBuffer> Next() = 0;

  virtual bool AtEnd() const = 0;

  // Next reads files or compresses, which is not for gRPC's threads.
  virtual bool NeedsThread() const = 0;
};

// Of `range` of `blob`, not empty. What is to be sent as zstd comes from `forms` where it is kept there; else it goes
// out as it is if the client wishes that, else it is compressed now. A blob that is compressed as a whole is kept
// there, staged in `directory` meanwhile. A message has `message_bytes` of data at most.
std::unique_ptr<ReadSource> NewReadSource(const ReadRange& range, Bytes blob, std::int64_t message_bytes,
                                          ZstdForms& forms, const std::string& directory);

// Of zstd frames that are there already.
std::unique_ptr<ReadSource> NewReadSource(ZstdForms::Reader frames, std::int64_t message_bytes);

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTE_STREAM_READ_SOURCE_H_
