#include "src/services/batch.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/services/grpc_status.h"
#include "src/services/publish.h"
#include "src/services/zstd/zstd_codec.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr std::size_t kBlobsInPlaceMax = 8;
constexpr std::size_t kWritesAtOnce = 64;  // of one call
constexpr std::size_t kReadsAtOnce = 4;
constexpr std::int64_t kCompressedBytesMin = 1 << 10;  // smaller blobs are sent as they are

// Of the longest hash of REAPI's functions, SHA-512, in hexadecimal digits: answers repeat what was asked for.
constexpr std::size_t kHashBytesMax = 128;

// The sizes of all digests together; a negative one counts as nothing (it fails by itself).
template <typename Digests, typename ToDigest>
absl::StatusOr<std::int64_t> CheckTotal(const ServiceParts& parts, const Digests& digests, ToDigest to_digest,
                                        std::string_view field) {
  if (digests.size() > parts.limits.digests_max) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} of them; {} are allowed in one call", field, digests.size(), parts.limits.digests_max));
  }
  std::int64_t total = 0;
  for (const auto& each : digests) {
    if (const std::size_t length = to_digest(each).hash().size(); length > kHashBytesMax) {
      return absl::InvalidArgumentError(fmt::format("{}: a hash of {} characters", field, length));
    }
    const std::int64_t size = std::max<std::int64_t>(to_digest(each).size_bytes(), 0);
    total = size > parts.limits.batch_bytes_max ? size : total + size;
    if (total <= parts.limits.batch_bytes_max) continue;
    return absl::InvalidArgumentError(fmt::format("{}: more than max_batch_total_size_bytes, {}: use ByteStream", field,
                                                  parts.limits.batch_bytes_max));
  }
  return total;
}

absl::StatusOr<Bytes> BytesOf(const v2::BatchUpdateBlobsRequest::Request& blob, const Digest& digest) {
  if (blob.compressor() == v2::Compressor::ZSTD) {
    if (blob.data().empty() && digest.size == 0) return Bytes(blob.data());  // what Go's encoder makes of nothing
    ASSIGN_OR_RETURN(std::string data, DecompressZstd(blob.data(), digest.size));
    return Bytes(std::move(data));
  }
  if (blob.compressor() != v2::Compressor::IDENTITY) {
    return absl::InvalidArgumentError(fmt::format("requests.compressor: {}; IDENTITY (0) and ZSTD (1) are served",
                                                  static_cast<int>(blob.compressor())));
  }
  if (static_cast<std::int64_t>(blob.data().size()) != digest.size) {
    return absl::InvalidArgumentError(
        fmt::format("requests.data: {} bytes, and the digest says {}", blob.data().size(), digest.size));
  }
  return Bytes(blob.data());
}

void Update(const ServiceParts& parts, const v2::BatchUpdateBlobsRequest::Request& blob, PutDone done) {
  const absl::StatusOr<Digest> digest = reapi::FromProto(blob.digest());
  if (!digest.ok()) return done(digest.status());
  if (digest->size > parts.limits.blob_bytes_max) {
    return done(absl::InvalidArgumentError(
        fmt::format("digest: a blob of {} bytes; {} are allowed", digest->size, parts.limits.blob_bytes_max)));
  }
  absl::StatusOr<Bytes> bytes = BytesOf(blob, *digest);
  if (!bytes.ok()) return done(bytes.status());
  const bool zstd = blob.compressor() == v2::Compressor::ZSTD && digest->size >= ZstdForms::kBlobBytesMin;
  if (zstd) done = KeepingForm(parts, *digest, Bytes(blob.data()), std::move(done));
  PutBlob(parts, *digest, *std::move(bytes), std::move(done));
}

// The blob as zstd, where that is kept; else empty. A kept form saves a tenth.
std::string KeptFrame(const ServiceParts& parts, const Digest& digest) {
  auto form = parts.zstd_forms.Find(digest);
  return form ? form->Next(form->left()).value_or("") : "";
}

// Made now, and kept.
std::string Frame(const ServiceParts& parts, const Digest& digest, const std::string& data) {
  std::string frame = CompressZstd(data);
  const bool wanted = parts.zstd_forms.Wants(digest, static_cast<std::int64_t>(frame.size()));
  if (wanted && DigestOf(std::string_view(data)) == digest) parts.zstd_forms.Keep(digest, Bytes(frame));
  return frame;
}

absl::Status Read(const ServiceParts& parts, bool zstd, const v2::Digest& name,
                  v2::BatchReadBlobsResponse::Response& response) {
  ASSIGN_OR_RETURN(const Digest digest, reapi::FromProto(name));
  const absl::StatusOr<Bytes> bytes = parts.blobs.Get(digest);
  if (!bytes.ok()) return LostIsAbsent(bytes.status());
  const bool compresses = zstd && digest.size >= kCompressedBytesMin;
  std::string frame = compresses ? KeptFrame(parts, digest) : "";
  std::string data;
  if (frame.empty()) {
    ASSIGN_OR_RETURN(data, bytes->ReadAll());
    if (compresses) frame = Frame(parts, digest, data);
  }
  const bool shrinks = !frame.empty() && static_cast<std::int64_t>(frame.size()) < digest.size;
  if (shrinks) response.set_compressor(v2::Compressor::ZSTD);
  response.set_data(shrinks ? std::move(frame) : std::move(data));
  return absl::OkStatus();
}

bool AcceptsZstd(const v2::BatchReadBlobsRequest& request) {
  const auto& acceptable = request.acceptable_compressors();
  return std::find(acceptable.begin(), acceptable.end(), v2::Compressor::ZSTD) != acceptable.end();
}

bool MayReadInPlace(const ServiceParts& parts, std::int64_t bytes, std::size_t blobs) {
  return parts.reads_in_place && bytes <= kBytesInPlaceMax && blobs <= kBlobsInPlaceMax;
}

}  // namespace

void BatchUpdate(const ServiceParts& parts, const v2::BatchUpdateBlobsRequest& request,
                 v2::BatchUpdateBlobsResponse& response, BatchDone done) {
  const auto digest_of = [](const auto& blob) -> const v2::Digest& { return blob.digest(); };
  const absl::Status status = CheckTotal(parts, request.requests(), digest_of, "requests").status();
  if (!status.ok() || request.requests().empty()) return done(status);
  std::int64_t total = 0;
  for (const auto& blob : request.requests()) {
    *response.add_responses()->mutable_digest() = blob.digest();
    total += std::max<std::int64_t>(blob.digest().size_bytes(), 0);
  }
  const auto count = static_cast<std::size_t>(request.requests_size());
  const auto left = std::make_shared<std::atomic<std::size_t>>(count);
  const auto step = [&parts, &request, &response, left, done](std::size_t at) {
    const int i = static_cast<int>(at);
    Update(parts, request.requests(i), [&response, i, left, done](absl::Status put) {
      ToProto(put, *response.mutable_responses(i)->mutable_status());
      if (left->fetch_sub(1) == 1) done(absl::OkStatus());
    });
  };
  if (MayPutInPlace(parts, total) && count <= kBlobsInPlaceMax) {
    for (std::size_t at = 0; at < count; ++at) step(at);
  } else if (!parts.writes.ForEach(count, kWritesAtOnce, step, [] {})) {
    done(TooBusy());
  }
}

absl::StatusOr<std::int64_t> BatchReadBytes(const ServiceParts& parts, const v2::BatchReadBlobsRequest& request) {
  const auto digest_of = [](const v2::Digest& digest) -> const v2::Digest& { return digest; };
  ASSIGN_OR_RETURN(const std::int64_t total, CheckTotal(parts, request.digests(), digest_of, "digests"));
  return total + kAnswerBytesOfEach * request.digests_size();
}

void BatchRead(const ServiceParts& parts, const v2::BatchReadBlobsRequest& request,
               v2::BatchReadBlobsResponse& response, BatchDone done) {
  if (request.digests().empty()) return done(absl::OkStatus());
  std::int64_t total = 0;
  for (const v2::Digest& digest : request.digests()) {
    *response.add_responses()->mutable_digest() = digest;
    total += std::max<std::int64_t>(digest.size_bytes(), 0);
  }
  const bool zstd = AcceptsZstd(request);
  const auto step = [&parts, &request, &response, zstd](std::size_t at) {
    const int i = static_cast<int>(at);
    auto& one = *response.mutable_responses(i);
    ToProto(Read(parts, zstd, request.digests(i), one), *one.mutable_status());
  };
  const auto count = static_cast<std::size_t>(request.digests_size());
  if (MayReadInPlace(parts, total, count)) {
    for (std::size_t at = 0; at < count; ++at) step(at);
    return done(absl::OkStatus());
  }
  if (!parts.reads.ForEach(count, kReadsAtOnce, step, [done] { done(absl::OkStatus()); })) done(TooBusy());
}

std::optional<BatchReadAnswer> BatchReadAtOnce(const ServiceParts& parts, const v2::BatchReadBlobsRequest& request,
                                               std::int64_t answer_bytes) {
  if (AcceptsZstd(request) || !parts.answers.IsLittle(answer_bytes)) return std::nullopt;
  BatchReadAnswer answer;
  std::int64_t total = 0;
  for (const v2::Digest& name : request.digests()) {
    const absl::StatusOr<Digest> digest = reapi::FromProto(name);
    if (!digest.ok() || digest->size > kBytesInPlaceMax) return std::nullopt;
    total += digest->size;
    if (!MayReadInPlace(parts, total, static_cast<std::size_t>(request.digests_size()))) return std::nullopt;
    absl::StatusOr<Bytes> bytes = parts.blobs.Get(*digest);
    if (!bytes.ok() || bytes->contents() == nullptr) return std::nullopt;
    answer.Add(*digest, *std::move(bytes));
  }
  return answer;
}

}  // namespace smelt
