#include "src/services/byte_stream/upload.h"

#include <utility>

#include "fmt/format.h"
#include "google/bytestream/bytestream.pb.h"
#include "src/base/status_macros.h"
#include "src/services/zstd/zstd_codec.h"

namespace smelt {
namespace {

using google::bytestream::WriteRequest;
using reapi::ResourceName;

// The most that may come over the wire for this blob.
std::int64_t WireBytesMax(const ResourceName& name) {
  return name.compressor == ResourceName::Compressor::kZstd ? ZstdBytesMax(name.digest.size) : name.digest.size;
}

}  // namespace

absl::Status Upload::Begin(const WriteRequest& first) {
  ASSIGN_OR_RETURN(name_, reapi::ParseWriteName(first.resource_name()));
  if (name_.digest.size > limits_.blob_bytes_max) {
    return absl::InvalidArgumentError(
        fmt::format("resource_name: a blob of {} bytes; {} are allowed", name_.digest.size, limits_.blob_bytes_max));
  }
  if (first.write_offset() < 0) return absl::InvalidArgumentError("write_offset: negative");
  key_ = first.resource_name();
  return absl::OkStatus();
}

absl::Status Upload::Open(std::int64_t offset) {
  staged_ = partials_.Take(key_);
  if (staged_ != nullptr && offset == staged_->size()) return absl::OkStatus();
  if (offset != 0) {
    const std::int64_t here = size();
    Park();
    return absl::AbortedError(fmt::format(
        "write_offset: {}, and {} bytes of this upload are here: ask QueryWriteStatus, or begin at 0", offset, here));
  }
  const std::int64_t bytes_max = WireBytesMax(name_);
  const bool small = bytes_max <= limits_.staged_in_memory_bytes;
  staged_ =
      std::make_unique<StagedUpload>(bytes_max, small ? budget_.TryAcquire(bytes_max) : BytesBudget::Hold(), room_);
  return absl::OkStatus();
}

absl::Status Upload::CheckNext(const WriteRequest& next) const {
  if (!next.resource_name().empty() && next.resource_name() != key_) {
    return absl::InvalidArgumentError("resource_name: another one than in the first message");
  }
  if (next.write_offset() != size()) {
    return absl::InvalidArgumentError(
        fmt::format("write_offset: {}, and {} bytes are here", next.write_offset(), size()));
  }
  return absl::OkStatus();
}

absl::Status Upload::Append(std::string data) { return staged_->Append(std::move(data)); }

void Upload::Park() {
  if (staged_ != nullptr) partials_.Park(key_, std::move(staged_));
}

}  // namespace smelt
