#include "src/testing/s3/fake_s3.h"

#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "src/digest/mac.h"
#include "src/testing/s3/fake_s3_request.h"

namespace smelt {
namespace {

using fake_s3_internal::Elements;
using fake_s3_internal::Error;
using fake_s3_internal::IsoTime;
using fake_s3_internal::QueryOf;
using fake_s3_internal::Unescaped;
using fake_s3_internal::WrongWithSignature;
using fake_s3_internal::XmlEscaped;

ServedAnswer Xml(const std::string& body) {
  return {200, {{"Content-Type", "application/xml"}}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + body};
}

std::string EtagOf(const std::string& body) { return "\"" + HexOf(Md5Of(body)) + "\""; }

std::string HeaderOf(const ServedRequest& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

bool Only(const std::map<std::string, std::string>& query, const std::set<std::string>& allowed) {
  return std::all_of(query.begin(), query.end(), [&](const auto& entry) { return allowed.contains(entry.first); });
}

}  // namespace

FakeS3::Chaos FakeS3::Chaos::Of(std::uint64_t seed, double rate) {
  return {seed, rate, rate, rate, rate, rate, rate, rate, rate};
}

FakeS3::FakeS3(FakeS3Options options)
    : options_(std::move(options)), server_([this](const ServedRequest& request) { return Serve(request); }) {}

void FakeS3::SetChaos(const Chaos& chaos) {
  const std::lock_guard lock(mu_);
  chaos_ = chaos;
  random_.seed(chaos.seed);
}

void FakeS3::AnswerAll(std::optional<ServedAnswer> answer) {
  const std::lock_guard lock(mu_);
  answer_all_ = std::move(answer);
}

std::vector<std::string> FakeS3::Keys() {
  const std::lock_guard lock(mu_);
  std::vector<std::string> keys;
  for (const auto& [key, object] : objects_) keys.push_back(key);
  return keys;
}

std::string FakeS3::Body(const std::string& key) {
  const std::lock_guard lock(mu_);
  return objects_.contains(key) ? objects_[key].body : "";
}

void FakeS3::Change(const std::string& key, std::string body) {
  const std::lock_guard lock(mu_);
  objects_[key] = {body, EtagOf(body), ::time(nullptr)};
}

void FakeS3::Remove(const std::string& key) {
  const std::lock_guard lock(mu_);
  objects_.erase(key);
}

void FakeS3::SetModified(const std::string& key, std::int64_t seconds) {
  const std::lock_guard lock(mu_);
  objects_[key].modified_seconds = seconds;
}

std::size_t FakeS3::UploadsInProgress() {
  const std::lock_guard lock(mu_);
  return uploads_.size();
}

std::vector<std::string> FakeS3::Requests() {
  const std::lock_guard lock(mu_);
  return requests_;
}

std::size_t FakeS3::Count(const std::string& method) {
  const std::lock_guard lock(mu_);
  return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const std::string& request) {
    return request.starts_with(method + " ");
  }));
}

void FakeS3::ForgetRequests() {
  const std::lock_guard lock(mu_);
  requests_.clear();
}

bool FakeS3::Draw(double probability) {
  return probability > 0 && std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

std::optional<ServedAnswer> FakeS3::FaultBefore() {
  if (Draw(chaos_.slow_down)) return Error(503, "SlowDown", "Please reduce your request rate.");
  if (Draw(chaos_.internal_error)) return Error(500, "InternalError", "We encountered an internal error.");
  if (Draw(chaos_.reset_before)) {
    ServedAnswer reset;
    reset.reset = true;
    return reset;
  }
  if (!Draw(chaos_.too_many)) return std::nullopt;
  ServedAnswer answer{429, {}, "slow down"};
  if (Draw(0.5)) answer.headers["Retry-After"] = "0";
  return answer;
}

void FakeS3::FaultAfter(const ServedRequest& request, ServedAnswer& answer) {
  if (Draw(chaos_.reset_after)) answer.reset = true;
  if (Draw(chaos_.slow)) answer.delay_ms = static_cast<std::int64_t>(1 + random_() % 5);
  if (answer.body.size() < 2) return;
  if (Draw(chaos_.truncate)) answer.cut_after = static_cast<std::int64_t>(random_() % answer.body.size());
  if (request.method == "GET" && Draw(chaos_.swap)) {
    std::swap(answer.body[random_() % answer.body.size()], answer.body[random_() % answer.body.size()]);
  }
}

ServedAnswer FakeS3::Serve(const ServedRequest& request) {
  const std::lock_guard lock(mu_);
  requests_.push_back(request.method + " " + request.target);
  if (answer_all_) return *answer_all_;
  if (const std::optional<ServedAnswer> fault = FaultBefore()) return *fault;
  ServedAnswer answer = Handle(request);
  FaultAfter(request, answer);
  return answer;
}

ServedAnswer FakeS3::Handle(const ServedRequest& request) {
  const std::string wrong = WrongWithSignature(request, options_);
  if (wrong == "AuthorizationHeaderMalformed" || wrong == "XAmzContentSHA256Mismatch" || wrong == "ExpiredToken") {
    return Error(400, wrong, "The request is malformed.");
  }
  if (!wrong.empty()) return Error(403, wrong, "The request is refused.");
  std::string path = Unescaped(request.target.substr(0, request.target.find('?'))).substr(1);
  std::string bucket = options_.bucket;
  if (options_.virtual_host_style) {
    const std::string host = HeaderOf(request, "host");
    bucket = host.substr(0, host.find('.'));
  } else {
    const std::size_t slash = path.find('/');
    bucket = path.substr(0, slash);
    path = slash == path.npos ? "" : path.substr(slash + 1);
  }
  if (bucket != options_.bucket) return Error(404, "NoSuchBucket", "The specified bucket does not exist");
  const Query query = QueryOf(request.target);
  return path.empty() ? OnBucket(request, query) : OnObject(request, path, query);
}

ServedAnswer FakeS3::OnBucket(const ServedRequest& request, const Query& query) {
  if (request.method == "GET" && query.contains("list-type") && query.at("list-type") == "2" &&
      Only(query, {"list-type", "prefix", "start-after", "continuation-token", "max-keys"})) {
    return List(query);
  }
  if (request.method == "POST" && query.contains("delete") && query.size() == 1) return DeleteMany(request);
  return Error(501, "NotImplemented", request.method + " of a bucket");
}

ServedAnswer FakeS3::OnObject(const ServedRequest& request, const std::string& key, const Query& query) {
  const std::string& method = request.method;
  if (query.empty()) {
    if (method == "GET") return Get(request, key);
    if (method == "PUT") return Put(request, key);
    return Error(501, "NotImplemented", method + " of an object");
  }
  if (method == "POST" && Only(query, {"uploads"})) return Begin(request, key);
  if (!query.contains("uploadId") || !Only(query, {"uploadId", "partNumber"})) {
    return Error(501, "NotImplemented", "a parameter");
  }
  const auto upload = uploads_.find(query.at("uploadId"));
  if (upload == uploads_.end() || upload->second.key != key) {
    return Error(404, "NoSuchUpload", "The specified upload does not exist.");
  }
  if (method == "PUT") return PutPart(request, query);
  if (method == "POST") return Complete(request, query);
  if (method != "DELETE") return Error(501, "NotImplemented", method + " of an upload");
  uploads_.erase(upload);
  return {204, {}, ""};
}

ServedAnswer FakeS3::List(const Query& query) {
  const std::string prefix = query.contains("prefix") ? query.at("prefix") : "";
  std::string after = query.contains("start-after") ? query.at("start-after") : "";
  if (query.contains("continuation-token")) {
    const std::string& token = query.at("continuation-token");
    if (!token.starts_with("token of ")) return Error(400, "InvalidArgument", "The continuation token is incorrect");
    after = token.substr(9);
  }
  std::string contents, last;
  std::size_t count = 0;
  bool truncated = false;
  for (auto it = objects_.lower_bound(std::max(prefix, after)); it != objects_.end(); ++it) {
    if (it->first <= after) continue;
    if (!it->first.starts_with(prefix)) break;
    if ((truncated = count == options_.page_max)) break;
    ++count;
    last = it->first;
    contents += "<Contents><Key>" + XmlEscaped(it->first) + "</Key><LastModified>" +
                IsoTime(it->second.modified_seconds) + "</LastModified><ETag>" + it->second.etag + "</ETag><Size>" +
                std::to_string(it->second.body.size()) + "</Size><StorageClass>STANDARD</StorageClass></Contents>";
  }
  const std::string next =
      truncated ? "<NextContinuationToken>" + XmlEscaped("token of " + last) + "</NextContinuationToken>" : "";
  return Xml("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>" + options_.bucket +
             "</Name><Prefix>" + XmlEscaped(prefix) + "</Prefix><KeyCount>" + std::to_string(count) +
             "</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>" + (truncated ? "true" : "false") + "</IsTruncated>" +
             next + contents + "</ListBucketResult>");
}

ServedAnswer FakeS3::Get(const ServedRequest& request, const std::string& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return Error(404, "NoSuchKey", "The specified key does not exist.");
  const std::string& body = found->second.body;
  const std::string range = HeaderOf(request, "range");
  if (range.empty()) return {200, {{"ETag", found->second.etag}}, body};
  const std::size_t dash = range.find('-');
  if (!range.starts_with("bytes=") || dash == range.npos) return Error(400, "InvalidArgument", "Range");
  const std::size_t first = std::strtoull(range.c_str() + 6, nullptr, 10);
  if (first >= body.size()) return Error(416, "InvalidRange", "The requested range is not satisfiable");
  std::size_t last = body.size() - 1;
  if (dash + 1 < range.size()) last = std::min<std::size_t>(last, std::strtoull(&range[dash + 1], nullptr, 10));
  const std::string sent = std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(body.size());
  return {
      206, {{"ETag", found->second.etag}, {"Content-Range", "bytes " + sent}}, body.substr(first, last - first + 1)};
}

ServedAnswer FakeS3::Put(const ServedRequest& request, const std::string& key) {
  if (!request.headers.contains("content-length")) return Error(411, "MissingContentLength");
  if (HeaderOf(request, "x-amz-server-side-encryption") != options_.encryption) return Error(403, "AccessDenied");
  objects_[key] = {request.body, EtagOf(request.body), ::time(nullptr)};
  return {200, {{"ETag", EtagOf(request.body)}}, ""};
}

ServedAnswer FakeS3::DeleteMany(const ServedRequest& request) {
  if (HeaderOf(request, "content-md5") != Base64(Md5Of(request.body))) {
    return Error(400, "InvalidRequest", "Missing required header for this request: Content-MD5");
  }
  const std::vector<std::string> keys = Elements(request.body, "Key");
  if (keys.empty() || keys.size() > 1000) return Error(400, "MalformedXML");
  for (const std::string& key : keys) objects_.erase(key);
  return Xml("<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></DeleteResult>");
}

ServedAnswer FakeS3::Begin(const ServedRequest& request, const std::string& key) {
  if (HeaderOf(request, "x-amz-server-side-encryption") != options_.encryption) return Error(403, "AccessDenied");
  const std::string id = "upload/" + std::to_string(++uploads_begun_) + "+=";
  uploads_[id].key = key;
  return Xml("<InitiateMultipartUploadResult><Bucket>" + options_.bucket + "</Bucket><Key>" + XmlEscaped(key) +
             "</Key><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>");
}

ServedAnswer FakeS3::PutPart(const ServedRequest& request, const Query& query) {
  const int number = query.contains("partNumber") ? std::atoi(query.at("partNumber").c_str()) : 0;
  if (number < 1 || number > 10000) return Error(400, "InvalidArgument", "Part number");
  uploads_[query.at("uploadId")].parts[number] = {request.body, EtagOf(request.body)};
  return {200, {{"ETag", EtagOf(request.body)}}, ""};
}

ServedAnswer FakeS3::Complete(const ServedRequest& request, const Query& query) {
  Upload& upload = uploads_[query.at("uploadId")];
  const std::vector<std::string> numbers = Elements(request.body, "PartNumber");
  const std::vector<std::string> etags = Elements(request.body, "ETag");
  if (numbers.empty() || numbers.size() != etags.size()) return Error(400, "MalformedXML");
  std::string body;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto part = upload.parts.find(std::atoi(numbers[i].c_str()));
    if (part == upload.parts.end() || part->second.etag != etags[i]) return Error(400, "InvalidPart");
    if (i + 1 < numbers.size() && part->second.body.size() < options_.part_bytes_min)
      return Error(400, "EntityTooSmall");
    body += part->second.body;
  }
  const std::string key = upload.key;
  objects_[key] = {body, "\"" + HexOf(Md5Of(body)) + "-" + std::to_string(numbers.size()) + "\"", ::time(nullptr)};
  uploads_.erase(query.at("uploadId"));
  return Xml("<CompleteMultipartUploadResult><Bucket>" + options_.bucket + "</Bucket><Key>" + XmlEscaped(key) +
             "</Key></CompleteMultipartUploadResult>");
}

}  // namespace smelt
