#ifndef SMELT_SERVICES_MESSAGES_READ_RESPONSE_H_
#define SMELT_SERVICES_MESSAGES_READ_RESPONSE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "src/store/bytes.h"

namespace grpc {
class ByteBuffer;
}  // namespace grpc

namespace smelt {

// A serialised google.bytestream.ReadResponse with this data, which is not copied.
grpc::ByteBuffer ReadResponseOf(std::string&& data);

// With `prefix`, which is short and is copied, in front of it.
grpc::ByteBuffer ReadResponseOf(std::string_view prefix, std::string&& data);

// With a part of what `blob` has in memory, which is kept as long as the message lives.
grpc::ByteBuffer ReadResponseOf(const Bytes& blob, std::int64_t offset, std::int64_t length);

}  // namespace smelt

#endif  // SMELT_SERVICES_MESSAGES_READ_RESPONSE_H_
