#include "src/services/messages/read_response.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace smelt {
namespace {

constexpr std::uint8_t kTag = (10 << 3) | 2;  // ReadResponse.data is field 10, of a length and bytes

// What is in front of the data.
grpc::Slice Head(std::size_t length) {
  std::uint8_t head[11] = {kTag};
  const std::uint8_t* end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(length, head + 1);
  return grpc::Slice(head, static_cast<std::size_t>(end - head));
}

template <typename Kept>
grpc::ByteBuffer Message(const char* data, std::size_t size, Kept* kept) {
  const grpc::Slice slices[] = {
      Head(size), grpc::Slice(
                      const_cast<char*>(data), size, [](void* p) { delete static_cast<Kept*>(p); }, kept)};
  return grpc::ByteBuffer(slices, 2);
}

}  // namespace

grpc::ByteBuffer ReadResponseOf(std::string&& data) {
  auto* kept = new std::string(std::move(data));
  return Message(kept->data(), kept->size(), kept);
}

grpc::ByteBuffer ReadResponseOf(const Bytes& blob, std::int64_t offset, std::int64_t length) {
  auto* kept = new Bytes(blob);
  return Message(kept->contents()->data() + offset, static_cast<std::size_t>(length), kept);
}

}  // namespace smelt
