#include "src/store/remote/remote_blob_store.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/reapi/digests.h"
#include "src/store/remote/zstd_codec.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

absl::Status NoBlob(const Digest& digest) { return absl::NotFoundError("no blob " + digest.ToString()); }

absl::StatusOr<std::string> Unpacked(v2::BatchReadBlobsResponse::Response& blob, const Digest& digest) {
  if (blob.compressor() == v2::Compressor::ZSTD) return UnpackBlob(blob.data(), digest.size);
  if (blob.compressor() != v2::Compressor::IDENTITY) return absl::DataLossError("a compressor that nobody asked for");
  return std::move(*blob.mutable_data());
}

}  // namespace

bool RemoteBlobStore::CompressesBatch(std::int64_t size) const {
  return size >= kCompressedBytesMin && connection_.abilities().zstd_batches && connection_.Compresses();
}

absl::StatusOr<Bytes> RemoteBlobStore::Get(const Digest& digest) {
  if (digest.size == 0) return Bytes();
  RETURN_IF_ERROR(connection_.Reach());
  return IsStreamed(digest) ? GetStreamed(digest, nullptr, digest) : GetBatched(digest);
}

bool RemoteBlobStore::IsStreamed(const Digest& digest) const {
  const std::int64_t batched_max = connection_.StreamsUnverified() ? kUnpackedBytesMax : kBatchedBytesMax;
  return digest.size > std::min<std::int64_t>(batched_max, connection_.abilities().batch_bytes_max);
}

absl::StatusOr<Bytes> RemoteBlobStore::GetBatched(const Digest& digest) {
  v2::BatchReadBlobsRequest request;
  request.set_instance_name(connection_.options().instance);
  *request.add_digests() = reapi::ToProto(digest);
  if (CompressesBatch(digest.size)) request.add_acceptable_compressors(v2::Compressor::ZSTD);
  v2::BatchReadBlobsResponse answer;
  RETURN_IF_ERROR(
      connection_.Call("BatchReadBlobs", digest.size, [&](grpc::ClientContext& context, const auto& channel) {
        connection_.CountUp(static_cast<std::int64_t>(request.ByteSizeLong()));
        return v2::ContentAddressableStorage::NewStub(channel)->BatchReadBlobs(&context, request, &answer);
      }));
  connection_.CountDown(static_cast<std::int64_t>(answer.ByteSizeLong()));
  if (answer.responses_size() != 1) return NoBlob(digest);
  v2::BatchReadBlobsResponse::Response& blob = *answer.mutable_responses(0);
  if (blob.status().code() == static_cast<int>(absl::StatusCode::kNotFound)) return NoBlob(digest);
  if (blob.status().code() != 0) {
    return absl::Status(static_cast<absl::StatusCode>(blob.status().code()), blob.status().message());
  }
  ASSIGN_OR_RETURN(std::string contents, Unpacked(blob, digest));
  if (static_cast<std::int64_t>(contents.size()) != digest.size) {
    return absl::DataLossError(fmt::format("blob {} came with {} bytes", digest.ToString(), contents.size()));
  }
  return Bytes(std::move(contents));
}

absl::Status RemoteBlobStore::Put(const Digest& digest, Bytes bytes) {
  if (bytes.size() != digest.size) {
    return absl::InvalidArgumentError(fmt::format("{} bytes put as blob {}", bytes.size(), digest.ToString()));
  }
  if (digest.size == 0) return absl::OkStatus();
  RETURN_IF_ERROR(connection_.Reach());
  if (digest.size > std::min<std::int64_t>(kBatchedBytesMax, connection_.abilities().batch_bytes_max)) {
    return PutStreamed(digest, bytes);
  }
  ASSIGN_OR_RETURN(const std::string contents, bytes.ReadAll());
  return PutBatched(digest, contents);
}

absl::Status RemoteBlobStore::PutBatched(const Digest& digest, const std::string& contents) {
  v2::BatchUpdateBlobsRequest request;
  request.set_instance_name(connection_.options().instance);
  auto& blob = *request.add_requests();
  *blob.mutable_digest() = reapi::ToProto(digest);
  if (CompressesBatch(digest.size) && IsCompressible(contents)) {
    blob.set_compressor(v2::Compressor::ZSTD);
    blob.set_data(PackBlob(contents));
  } else {
    blob.set_data(contents);
  }
  v2::BatchUpdateBlobsResponse answer;
  RETURN_IF_ERROR(
      connection_.Call("BatchUpdateBlobs", digest.size, [&](grpc::ClientContext& context, const auto& channel) {
        connection_.CountUp(static_cast<std::int64_t>(request.ByteSizeLong()));
        return v2::ContentAddressableStorage::NewStub(channel)->BatchUpdateBlobs(&context, request, &answer);
      }));
  connection_.CountDown(static_cast<std::int64_t>(answer.ByteSizeLong()));
  for (const auto& response : answer.responses()) {
    if (response.status().code() != 0) {
      return absl::Status(static_cast<absl::StatusCode>(response.status().code()), response.status().message());
    }
  }
  if (answer.responses_size() != 1) return absl::InternalError("BatchUpdateBlobs said nothing of the blob");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Digest>> RemoteBlobStore::FindChunk(absl::Span<const Digest> digests) {
  v2::FindMissingBlobsRequest request;
  request.set_instance_name(connection_.options().instance);
  for (const Digest& digest : digests) *request.add_blob_digests() = reapi::ToProto(digest);
  v2::FindMissingBlobsResponse answer;
  RETURN_IF_ERROR(connection_.Call("FindMissingBlobs", static_cast<std::int64_t>(request.ByteSizeLong()),
                                   [&](grpc::ClientContext& context, const auto& channel) {
                                     connection_.CountUp(static_cast<std::int64_t>(request.ByteSizeLong()));
                                     return v2::ContentAddressableStorage::NewStub(channel)->FindMissingBlobs(
                                         &context, request, &answer);
                                   }));
  connection_.CountDown(static_cast<std::int64_t>(answer.ByteSizeLong()));
  std::vector<Digest> missing;
  for (const v2::Digest& digest : answer.missing_blob_digests()) {
    ASSIGN_OR_RETURN(missing.emplace_back(), reapi::FromProto(digest));
  }
  return missing;
}

absl::StatusOr<std::vector<Digest>> RemoteBlobStore::FindMissing(absl::Span<const Digest> digests) {
  std::vector<Digest> in_order, seen(digests.begin(), digests.end());
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  std::erase_if(seen, [](const Digest& digest) { return digest.size == 0; });
  std::vector<Digest> missing;
  for (std::size_t at = 0; at < seen.size(); at += kDigestsPerFind) {
    const std::size_t count = std::min(kDigestsPerFind, seen.size() - at);
    ASSIGN_OR_RETURN(std::vector<Digest> some, FindChunk(absl::MakeConstSpan(seen).subspan(at, count)));
    missing.insert(missing.end(), some.begin(), some.end());
  }
  std::sort(missing.begin(), missing.end());
  for (const Digest& digest : digests) {
    auto found = std::lower_bound(missing.begin(), missing.end(), digest);
    if (found == missing.end() || *found != digest) continue;
    in_order.push_back(digest);
    missing.erase(found);
  }
  return in_order;
}

}  // namespace smelt
