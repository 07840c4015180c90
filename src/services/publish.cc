#include "src/services/publish.h"

#include <memory>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/services/staged_upload.h"

namespace smelt {
namespace {

absl::StatusOr<Bytes> Decompressed(const ServiceParts& parts, const Digest& digest, const Bytes& wire) {
  if (wire.size() > ZstdBytesMax(digest.size)) {
    return absl::InvalidArgumentError(fmt::format("data: {} bytes of zstd for {} bytes", wire.size(), digest.size));
  }
  if (wire.contents() != nullptr && digest.size <= parts.limits.staged_in_memory_bytes) {
    ASSIGN_OR_RETURN(std::string blob, DecompressZstd(*wire.contents(), digest.size));
    return Bytes(std::move(blob));
  }
  StagedUpload blob(digest.size, BytesBudget::Hold(), parts.staging);
  RETURN_IF_ERROR(
      DecompressZstd(wire, digest.size, [&](std::string_view piece) { return blob.Append(std::string(piece)); }));
  return std::move(blob).Finish();
}

}  // namespace

void PutBlob(const ServiceParts& parts, const Digest& digest, Bytes bytes, PutDone done) {
  const bool deferred =
      parts.puts != nullptr && bytes.contents() != nullptr && digest.size <= parts.puts->blob_bytes_max();
  if (deferred) return parts.puts->PutBlob(digest, std::move(bytes), std::move(done));
  done(parts.blobs.Put(digest, std::move(bytes)));
}

PutDone KeepingForm(const ServiceParts& parts, const Digest& digest, Bytes frames, PutDone done) {
  if (!parts.zstd_forms.Wants(digest, frames.size())) return done;
  auto hold = std::make_shared<BytesBudget::Hold>(parts.budget.TryAcquire(frames.size()));
  if (hold->bytes() == 0) return done;  // whoever reads it first keeps it
  return [&parts, digest, frames = std::move(frames), hold, done = std::move(done)](absl::Status put) {
    const bool keeps = put.ok() && parts.reads.Submit([&forms = parts.zstd_forms, digest, frames, hold] {
      forms.Keep(digest, frames);
      hold->Release();
    });
    if (!keeps) hold->Release();
    done(std::move(put));  // the last: the server may be gone after it
  };
}

void PublishUpload(const ServiceParts& parts, const reapi::ResourceName& name, Bytes wire, PutDone done) {
  if (name.compressor == reapi::ResourceName::Compressor::kZstd) {
    absl::StatusOr<Bytes> blob = Decompressed(parts, name.digest, wire);
    if (!blob.ok()) return done(blob.status());
    done = KeepingForm(parts, name.digest, std::move(wire), std::move(done));
    wire = *std::move(blob);
  }
  if (wire.size() != name.digest.size) {
    return done(absl::InvalidArgumentError(
        fmt::format("data: {} bytes came of the {} that resource_name says", wire.size(), name.digest.size)));
  }
  PutBlob(parts, name.digest, std::move(wire), std::move(done));
}

}  // namespace smelt
