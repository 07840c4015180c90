#include "src/services/messages/batch_read_answer.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "grpcpp/support/byte_buffer.h"

namespace smelt {
namespace {

using google::protobuf::io::CodedOutputStream;

// Fields of a length and bytes: the number and the type 2. Fields with varints: the number and the type 0.
constexpr char kResponses = 1 << 3 | 2;
constexpr char kDigest = 1 << 3 | 2, kData = 2 << 3 | 2, kStatus = 3 << 3 | 2;
constexpr char kHash = 1 << 3 | 2, kSizeBytes = 2 << 3;

constexpr std::size_t kHexLength = 2 * Digest::kHashBytes;
constexpr std::string_view kStatusOk{"\x1a\0", 2};
static_assert(kStatusOk.front() == kStatus);

// Of a field of so many bytes, all of it.
std::size_t FieldLength(std::size_t bytes) { return 1 + CodedOutputStream::VarintSize64(bytes) + bytes; }

class Writer {
 public:
  explicit Writer(std::uint8_t* at) : at_(at) {}

  void Varint(char tag, std::uint64_t value) {
    *at_++ = static_cast<std::uint8_t>(tag);
    at_ = CodedOutputStream::WriteVarint64ToArray(value, at_);
  }

  void Bytes(std::string_view bytes) {
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

 private:
  std::uint8_t* at_;
};

}  // namespace

void BatchReadAnswer::Add(const Digest& digest, Bytes bytes) {
  const auto size = static_cast<std::uint64_t>(digest.size);
  const std::size_t digest_length =
      FieldLength(kHexLength) + (size > 0 ? 1 + CodedOutputStream::VarintSize64(size) : 0);
  const std::size_t data_length = size > 0 ? FieldLength(size) : 0;
  const std::size_t length = FieldLength(digest_length) + data_length + kStatusOk.size();
  parts_.push_back({digest, std::move(bytes), digest_length, length});
  length_ += FieldLength(length);
}

grpc::ByteBuffer BatchReadAnswer::Serialized() const {
  const grpc::Slice slice(length_);
  Writer writer(const_cast<std::uint8_t*>(slice.begin()));
  for (const Part& part : parts_) {
    const auto size = static_cast<std::uint64_t>(part.digest.size);
    writer.Varint(kResponses, part.length);
    writer.Varint(kDigest, part.digest_length);
    writer.Varint(kHash, kHexLength);
    writer.Bytes(part.digest.Hex());
    if (size > 0) {
      writer.Varint(kSizeBytes, size);
      writer.Varint(kData, size);
      writer.Bytes(*part.bytes.contents());
    }
    writer.Bytes(kStatusOk);
  }
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace smelt
