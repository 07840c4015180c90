#include "src/store/s3/s3_object_store.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/mac.h"
#include "src/store/s3/s3_answers.h"

namespace smelt {
namespace {

constexpr std::size_t kDeleteMax = 1000;  // says S3

absl::Status TakePage(const HttpAnswer& answer, const std::string& prefix, ListPage& page) {
  ASSIGN_OR_RETURN(const std::string xml, answer.body.ReadAll());
  ASSIGN_OR_RETURN(page, ParseListObjects(xml));
  for (const ObjectStore::Listed& listed : page.objects) {
    if (listed.key.starts_with(prefix)) continue;
    return absl::DataLossError(fmt::format("the bucket listed '{}' below '{}'", listed.key, prefix));
  }
  return absl::OkStatus();
}

}  // namespace

S3ObjectStore::S3ObjectStore(S3Options options, std::unique_ptr<Http> http,
                             std::unique_ptr<CredentialsSource> credentials, Clock& clock, S3Client::Sleep sleep)
    : http_(std::move(http)),
      credentials_(std::move(credentials)),
      client_(std::move(options), *http_, credentials_.get(), clock, std::move(sleep)) {}

absl::Status S3ObjectStore::Put(const std::string& key, const Bytes& bytes) {
  return bytes.size() > client_.options().part_bytes ? PutInParts(key, bytes) : PutWhole(key, bytes);
}

absl::Status S3ObjectStore::PutWhole(const std::string& key, const Bytes& bytes) {
  S3Request request{S3Operation::kPut, "PUT", key};
  request.headers = EncryptionHeaders(client_.options());
  request.headers.emplace_back("content-type", "application/octet-stream");
  request.body = bytes;
  return client_.Send(request).status();
}

absl::StatusOr<Bytes> S3ObjectStore::Get(const std::string& key, std::int64_t offset, std::int64_t length) {
  if (length == 0) return Bytes();
  S3Request request{S3Operation::kGet, "GET", key};
  request.answer_bytes_max = length > 0 ? std::max(length, HttpRequest::kAnswerBytesMax) : kObjectBytesMax;
  const bool ranged = offset > 0 || length > 0;
  if (ranged) {
    const std::string last = length > 0 ? std::to_string(offset + length - 1) : "";
    request.headers.emplace_back("range", fmt::format("bytes={}-{}", offset, last));
  }
  absl::StatusOr<HttpAnswer> answer = client_.Send(request);
  if (absl::IsOutOfRange(answer.status())) return Bytes();
  if (!answer.ok()) return answer.status();
  if (!ranged || (answer->status == 206 && (length < 0 || answer->body.size() <= length))) return answer->body;
  if (offset == 0 && answer->body.size() <= length) return answer->body;  // all of it was asked for
  return absl::InvalidArgumentError(fmt::format("s3: get {}: the bucket's server does not know ranges", key));
}

absl::Status S3ObjectStore::Read(const std::string& key, const BodySink& sink) {
  S3Request request{S3Operation::kGet, "GET", key};
  request.sink = &sink;
  return client_.Send(request).status();
}

absl::StatusOr<std::vector<ObjectStore::Listed>> S3ObjectStore::List(const std::string& prefix,
                                                                     const std::string& after) {
  const std::size_t ours = client_.prefix().size();
  S3Request request{S3Operation::kList, "GET", ""};
  request.query = {{"list-type", "2"}, {"prefix", client_.prefix() + prefix}};
  if (!after.empty()) request.query.emplace_back("start-after", client_.prefix() + after);
  std::vector<Listed> all;
  for (std::string token;;) {
    S3Request page_request = request;
    if (!token.empty()) page_request.query.emplace_back("continuation-token", token);
    ListPage page;
    page_request.check = [&](const HttpAnswer& answer) { return TakePage(answer, request.query[1].second, page); };
    RETURN_IF_ERROR(client_.Send(page_request).status());
    for (Listed& listed : page.objects) {
      listed.key.erase(0, ours);
      all.push_back(std::move(listed));
    }
    if (page.next.empty()) return all;
    token = std::move(page.next);
  }
}

absl::Status S3ObjectStore::Delete(const std::vector<std::string>& keys) {
  for (std::size_t begin = 0; begin < keys.size(); begin += kDeleteMax) {
    const std::size_t end = std::min(keys.size(), begin + kDeleteMax);
    RETURN_IF_ERROR(DeleteUpTo1000({keys.begin() + begin, keys.begin() + end}));
  }
  return absl::OkStatus();
}

absl::Status S3ObjectStore::DeleteUpTo1000(const std::vector<std::string>& keys) {
  std::vector<std::string> full;
  for (const std::string& key : keys) full.push_back(client_.prefix() + key);
  const std::string xml = DeleteRequestXml(full);
  S3Request request{S3Operation::kDelete, "POST", ""};
  request.query = {{"delete", ""}};
  request.headers = {{"content-md5", Base64(Md5Of(xml))}, {"content-type", "application/xml"}};
  request.body = Bytes(xml);
  S3Error error;
  request.check = [&](const HttpAnswer& answer) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string answered, answer.body.ReadAll());
    ASSIGN_OR_RETURN(error, ParseDeleteResult(answered));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(client_.Send(request).status());
  if (error.code.empty() || error.code == "NoSuchKey") return absl::OkStatus();
  const std::string text = fmt::format("s3: delete {} objects: {} {}", keys.size(), error.code, error.message);
  return error.code == "AccessDenied" ? absl::PermissionDeniedError(text) : absl::UnavailableError(text);
}

}  // namespace smelt
