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

// What is in front of the data that follow `prefix`.
grpc::Slice Head(std::string_view prefix, std::size_t length) {
  std::uint8_t head[11] = {kTag};
  const std::uint8_t* end =
      google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(prefix.size() + length, head + 1);
  if (prefix.empty()) return grpc::Slice(head, static_cast<std::size_t>(end - head));
  std::string both(reinterpret_cast<const char*>(head), static_cast<std::size_t>(end - head));
  return grpc::Slice(both.append(prefix));
}

template <typename Kept>
grpc::ByteBuffer Message(std::string_view prefix, const char* data, std::size_t size, Kept* kept) {
  const grpc::Slice slices[] = {
      Head(prefix, size), grpc::Slice(
                              const_cast<char*>(data), size, [](void* p) { delete static_cast<Kept*>(p); }, kept)};
  return grpc::ByteBuffer(slices, 2);
}

}  // namespace

grpc::ByteBuffer ReadResponseOf(std::string&& data) { return ReadResponseOf("", std::move(data)); }

grpc::ByteBuffer ReadResponseOf(std::string_view prefix, std::string&& data) {
  auto* kept = new std::string(std::move(data));
  return Message(prefix, kept->data(), kept->size(), kept);
}

grpc::ByteBuffer ReadResponseOf(const Bytes& blob, std::int64_t offset, std::int64_t length) {
  auto* kept = new Bytes(blob);
  return Message("", kept->contents()->data() + offset, static_cast<std::size_t>(length), kept);
}

}  // namespace smelt
