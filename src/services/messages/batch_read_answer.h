#ifndef SMELT_SERVICES_MESSAGES_BATCH_READ_ANSWER_H_
#define SMELT_SERVICES_MESSAGES_BATCH_READ_ANSWER_H_

#include <cstddef>
#include <vector>

#include "src/digest/digest.h"
#include "src/store/bytes.h"

namespace grpc {
class ByteBuffer;
}  // namespace grpc

namespace smelt {

// A serialised BatchReadBlobsResponse whose blobs were all found and are sent as they are: the bytes that the message
// itself would make, with one copy of the blobs instead of three. Not thread-safe.
class BatchReadAnswer {
 public:
  // The next blob; `bytes` are in memory and have this digest.
  void Add(const Digest& digest, Bytes bytes);

  grpc::ByteBuffer Serialized() const;

 private:
  struct Part {
    Digest digest;
    Bytes bytes;
    std::size_t digest_length;  // of the message Digest
    std::size_t length;         // of the message Response
  };

  std::vector<Part> parts_;
  std::size_t length_ = 0;  // of the answer
};

}  // namespace smelt

#endif  // SMELT_SERVICES_MESSAGES_BATCH_READ_ANSWER_H_
