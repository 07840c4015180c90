#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "src/base/status_macros.h"
#include "src/store/s3/s3_answers.h"
#include "src/store/s3/s3_object_store.h"

namespace smelt {
namespace {

constexpr std::int64_t kPartsMax = 10000;  // says S3

// Enough for the number of parts to be allowed.
std::int64_t PartBytes(const S3Options& options, std::int64_t size) {
  return std::max(options.part_bytes, (size + kPartsMax - 1) / kPartsMax);
}

}  // namespace

// An upload whose completion was not answered may be gone when it is asked for again: then all of it is sent again.
absl::Status S3ObjectStore::PutInParts(const std::string& key, const Bytes& bytes) {
  const absl::Status first = TryInParts(key, bytes);
  return absl::IsAborted(first) ? TryInParts(key, bytes) : first;
}

absl::Status S3ObjectStore::TryInParts(const std::string& key, const Bytes& bytes) {
  S3Request begin{S3Operation::kCreateMultipart, "POST", key, {{"uploads", ""}}};
  begin.headers = EncryptionHeaders(client_.options());
  begin.headers.emplace_back("content-type", "application/octet-stream");
  std::string upload;
  begin.check = [&](const HttpAnswer& answer) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string xml, answer.body.ReadAll());
    ASSIGN_OR_RETURN(upload, ParseUploadId(xml));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(client_.Send(begin).status());
  const auto etags = PutParts(key, upload, bytes);
  const absl::Status done = etags.ok() ? Complete(key, upload, *etags) : etags.status();
  if (!done.ok()) {
    const S3Request abort{S3Operation::kAbortMultipart, "DELETE", key, {{"uploadId", upload}}};
    client_.Send(abort).status().IgnoreError();  // the bucket's lifecycle rule is the backstop
  }
  return done;
}

absl::StatusOr<std::vector<std::string>> S3ObjectStore::PutParts(const std::string& key, const std::string& upload,
                                                                 const Bytes& bytes) {
  const std::int64_t part_bytes = PartBytes(client_.options(), bytes.size());
  const auto parts = static_cast<int>((bytes.size() + part_bytes - 1) / part_bytes);
  std::vector<std::string> etags(static_cast<std::size_t>(parts));
  std::atomic<int> next{0};
  std::mutex mu;
  absl::Status failed;  // guarded by mu
  const auto work = [&] {
    for (int i = next++; i < parts; i = next++) {
      absl::StatusOr<std::string> part = bytes.Read(i * part_bytes, part_bytes);
      absl::StatusOr<std::string> etag =
          part.ok() ? PutPart(key, upload, i + 1, *std::move(part)) : absl::StatusOr<std::string>(part.status());
      const std::lock_guard lock(mu);
      if (etag.ok()) {
        etags[static_cast<std::size_t>(i)] = *std::move(etag);
      } else {
        failed.Update(etag.status());
        next = parts;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < std::min(parts, client_.options().parallel_parts); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (!failed.ok()) return failed;
  return etags;
}

absl::StatusOr<std::string> S3ObjectStore::PutPart(const std::string& key, const std::string& upload, int number,
                                                   std::string part) {
  S3Request request{S3Operation::kUploadPart, "PUT", key};
  request.query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}};
  request.body = Bytes(std::move(part));
  request.check = [](const HttpAnswer& answer) {
    return answer.Header("etag").empty() ? absl::DataLossError("the bucket gave no ETag for a part") : absl::OkStatus();
  };
  ASSIGN_OR_RETURN(const HttpAnswer answer, client_.Send(request));
  return std::string(answer.Header("etag"));
}

absl::Status S3ObjectStore::Complete(const std::string& key, const std::string& upload,
                                     const std::vector<std::string>& etags) {
  S3Request request{S3Operation::kCompleteMultipart, "POST", key, {{"uploadId", upload}}};
  request.headers = {{"content-type", "application/xml"}};
  request.body = Bytes(CompleteMultipartXml(etags));
  request.check = [](const HttpAnswer& answer) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string xml, answer.body.ReadAll());
    ASSIGN_OR_RETURN(const S3Error error, ParseCompleteMultipart(xml));
    return error.code.empty() ? absl::OkStatus() : absl::DataLossError(error.code + " " + error.message);
  };
  return client_.Send(request).status();
}

}  // namespace smelt
