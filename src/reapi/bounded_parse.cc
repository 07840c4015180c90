#include "src/reapi/bounded_parse.h"

#include <string>

#include "fmt/format.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "google/protobuf/wire_format_lite.h"
#include "src/base/status_macros.h"

namespace smelt::reapi {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::CodedInputStream;
using Wire = google::protobuf::internal::WireFormatLite;

namespace v2 = build::bazel::remote::execution::v2;

// Counts `left` down by each field until it is negative. False if that happens, or for what is no message.
bool Count(CodedInputStream& in, const Descriptor& type, std::int64_t& left);

bool CountWithin(CodedInputStream& in, const FieldDescriptor* field, std::int64_t& left) {
  int size = 0;
  if (!in.ReadVarintSizeAsInt(&size)) return false;
  if (field == nullptr || field->type() != FieldDescriptor::TYPE_MESSAGE) return in.Skip(size);
  const auto [limit, depth_left] = in.IncrementRecursionDepthAndPushLimit(size);
  return depth_left >= 0 && Count(in, *field->message_type(), left) && in.DecrementRecursionDepthAndPopLimit(limit);
}

bool Count(CodedInputStream& in, const Descriptor& type, std::int64_t& left) {
  while (const std::uint32_t tag = in.ReadTag()) {
    if (--left < 0) return false;
    std::uint64_t ignored = 0;
    bool read = false;
    switch (Wire::GetTagWireType(tag)) {
      case Wire::WIRETYPE_VARINT:
        read = in.ReadVarint64(&ignored);
        break;
      case Wire::WIRETYPE_FIXED64:
        read = in.Skip(8);
        break;
      case Wire::WIRETYPE_FIXED32:
        read = in.Skip(4);
        break;
      case Wire::WIRETYPE_LENGTH_DELIMITED:
        read = CountWithin(in, type.FindFieldByNumber(Wire::GetTagFieldNumber(tag)), left);
        break;
      default:
        break;
    }
    if (!read) return false;
  }
  return in.ConsumedEntireMessage();
}

// So few bytes have no more fields than are always allowed.
bool MayBeAny(std::int64_t bytes) { return bytes / 2 <= kFieldsAlways; }

absl::Status NotA(const Descriptor& type) {
  return absl::InvalidArgumentError(fmt::format("not a {}", type.full_name()));
}

template <typename Message>
absl::StatusOr<Message> ParseWithin(std::int64_t bytes_max, std::string_view bytes) {
  if (static_cast<std::int64_t>(bytes.size()) > bytes_max) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} bytes; {} are allowed", Message::descriptor()->name(), bytes.size(), bytes_max));
  }
  Message message;
  RETURN_IF_ERROR(ParseBounded(bytes, message));
  return message;
}

}  // namespace

absl::Status CheckFields(CodedInputStream& in, std::int64_t bytes, const Descriptor& type) {
  if (MayBeAny(bytes)) return absl::OkStatus();
  const std::int64_t fields_max = kFieldsAlways + bytes / kBytesPerField;
  std::int64_t left = fields_max;
  if (Count(in, type, left)) return absl::OkStatus();
  if (left >= 0) return NotA(type);
  return absl::InvalidArgumentError(
      fmt::format("{}: {} bytes with more than the {} fields that so many may have", type.name(), bytes, fields_max));
}

absl::Status CheckFields(std::string_view bytes, const Descriptor& type) {
  CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  return CheckFields(in, static_cast<std::int64_t>(bytes.size()), type);
}

absl::Status ParseBounded(std::string_view bytes, google::protobuf::Message& message) {
  RETURN_IF_ERROR(CheckFields(bytes, *message.GetDescriptor()));
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return absl::OkStatus();
  return NotA(*message.GetDescriptor());
}

absl::StatusOr<v2::ActionResult> ParseResult(std::string_view bytes) {
  return ParseWithin<v2::ActionResult>(kResultBytesMax, bytes);
}

absl::StatusOr<v2::Directory> ParseDirectory(std::string_view bytes) {
  return ParseWithin<v2::Directory>(kDirectoryBytesMax, bytes);
}

absl::Status CheckResultSize(const v2::ActionResult& result, std::int64_t bytes_max) {
  const auto bytes = static_cast<std::int64_t>(result.ByteSizeLong());
  if (bytes > bytes_max) {
    return absl::InvalidArgumentError(
        fmt::format("action_result: {} bytes; {} are allowed: upload stdout_raw, stderr_raw and contents as blobs",
                    bytes, bytes_max));
  }
  if (MayBeAny(bytes)) return absl::OkStatus();
  return CheckFields(result.SerializeAsString(), *result.GetDescriptor());
}

}  // namespace smelt::reapi
