// The part of RemoteBlobStore that streams.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <optional>
#include <random>

#include "fmt/format.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/zstd_wishes.h"
#include "src/store/remote/remote_blob_store.h"
#include "src/store/remote/zstd_codec.h"
#include "src/store/spool.h"

namespace smelt {
namespace {

namespace bytestream = google::bytestream;

constexpr std::int64_t kPieceBytes = 512 << 10;

std::string InInstance(const std::string& instance, const std::string& name) {
  return instance.empty() ? name : instance + "/" + name;
}

std::string Uuid() {
  thread_local std::mt19937_64 random(std::random_device{}());
  const std::uint64_t a = random(), b = random();
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:012x}", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                     8 + ((b >> 60) & 3), (b >> 48) & 0xfff, b & 0xffffffffffff);
}

grpc::Status FromStatus(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

// It came, and is not what it should be.
bool IsOtherThan(const Digest& whole, const absl::StatusOr<Bytes>& blob) {
  const absl::StatusOr<Digest> actual = blob.ok() ? DigestOf(*blob) : blob.status();
  return actual.ok() ? *actual != whole : absl::IsDataLoss(actual.status());
}

}  // namespace

absl::StatusOr<Bytes> RemoteBlobStore::GetStreamed(const Digest& digest, const Insertion* insertion,
                                                   const Digest& whole) {
  const bool unverified = connection_.StreamsUnverified();
  absl::StatusOr<Bytes> blob = Receive(digest, insertion, unverified);
  if (!unverified || !IsOtherThan(whole, blob)) return blob;
  return Receive(digest, insertion, /*unverified=*/false);
}

absl::StatusOr<Bytes> RemoteBlobStore::Receive(const Digest& digest, const Insertion* insertion, bool unverified) {
  const bool zstd = connection_.StreamsZstd();
  const std::int64_t size = digest.size + (insertion == nullptr ? 0 : insertion->bytes.size());
  const auto empty = [&] {
    Spool spool(connection_.options().staging_directory, size <= kInMemoryBytesMax ? kInMemoryBytesMax : 0,
                Spool::Digesting::kYes);
    if (insertion != nullptr) spool.Insert(*insertion);
    return spool;
  };
  Spool arrived = empty();
  RETURN_IF_ERROR(ReadStream(digest, zstd, unverified, [&](std::string_view piece) -> absl::Status {
    if (piece.data() == nullptr) {  // from the beginning
      arrived = empty();
      return absl::OkStatus();
    }
    if (arrived.size() + static_cast<std::int64_t>(piece.size()) > digest.size) {
      return absl::DataLossError("more bytes than the digest says");
    }
    return arrived.Append(piece);
  }));
  if (arrived.size() != digest.size) {
    return absl::DataLossError(fmt::format("blob {} came with {} bytes", digest.ToString(), arrived.size()));
  }
  return arrived.Finish();
}

absl::Status RemoteBlobStore::ReadStream(const Digest& digest, bool zstd, bool unverified, const Sink& sink) {
  bytestream::ReadRequest request;
  request.set_resource_name(
      InInstance(connection_.options().instance, (zstd ? "compressed-blobs/zstd/" : "blobs/") + digest.ToString()));
  const std::string wishes = reapi::ToHeader({.unverified = unverified, .stored = !connection_.Compresses()});
  absl::Status local;
  absl::Status status = connection_.Call("Read", digest.size, [&](grpc::ClientContext& context, const auto& channel) {
    local = sink(std::string_view());
    if (zstd) context.AddMetadata(reapi::ZstdWishes::kHeader, wishes);
    auto stream = bytestream::ByteStream::NewStub(channel)->Read(&context, request);
    BlobUnpacker decoder(digest.size);
    bytestream::ReadResponse piece;
    while (local.ok() && stream->Read(&piece)) {
      connection_.CountDown(static_cast<std::int64_t>(piece.ByteSizeLong()));
      local = zstd ? decoder.Add(piece.data(), sink) : sink(piece.data());
    }
    if (!local.ok()) context.TryCancel();
    const grpc::Status ended = stream->Finish();
    if (local.ok() && ended.ok() && zstd) local = decoder.End();
    return local.ok() ? ended : FromStatus(local);
  });
  return local.ok() ? status : local;
}

absl::Status RemoteBlobStore::PutStreamed(const Digest& digest, const Bytes& bytes) {
  ASSIGN_OR_RETURN(const std::string sample, bytes.Read(0, kPieceBytes));
  const bool zstd = connection_.StreamsZstd() && IsCompressible(sample);
  return connection_.Call("Write", digest.size, [&](grpc::ClientContext& context, const auto& channel) {
    bytestream::WriteResponse answer;
    auto stream = bytestream::ByteStream::NewStub(channel)->Write(&context, &answer);
    std::optional<ZstdEncoder> encoder;
    if (zstd) encoder.emplace(kPackLevel);
    bytestream::WriteRequest request;
    request.set_resource_name(InInstance(
        connection_.options().instance,
        fmt::format("uploads/{}/{}{}", Uuid(), zstd ? "compressed-blobs/zstd/" : "blobs/", digest.ToString())));
    std::int64_t sent = 0;
    for (std::int64_t at = 0; at < digest.size; at += kPieceBytes) {
      const bool last = at + kPieceBytes >= digest.size;
      absl::StatusOr<std::string> piece = bytes.Read(at, kPieceBytes);
      if (piece.ok() && zstd) piece = encoder->Add(*piece, last);
      if (!piece.ok()) {
        context.TryCancel();
        stream->Finish();
        return FromStatus(piece.status());
      }
      if (piece->empty() && !last) continue;
      request.set_write_offset(sent);
      request.set_finish_write(last);
      request.set_data(*std::move(piece));
      sent += static_cast<std::int64_t>(request.data().size());
      connection_.CountUp(static_cast<std::int64_t>(request.ByteSizeLong()));
      if (!stream->Write(request)) break;  // it has enough, or failed: Finish says which
      request.clear_resource_name();
    }
    stream->WritesDone();
    grpc::Status ended = stream->Finish();
    const bool complete = answer.committed_size() == sent || answer.committed_size() == digest.size ||
                          (zstd && answer.committed_size() == -1);
    if (ended.ok() && !complete) return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the upload ended early");
    return ended;
  });
}

}  // namespace smelt
