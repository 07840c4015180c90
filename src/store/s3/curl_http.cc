#include "src/store/s3/curl_http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include "fmt/format.h"
#include "src/base/ascii.h"
#include "src/store/spool.h"

namespace smelt {
namespace {

constexpr std::size_t kIdleMax = 64;
constexpr std::size_t kHeaderBytesMax = 256 << 10;  // of one answer

struct Transfer {
  CURL* curl = nullptr;
  const HttpRequest* request = nullptr;
  Spool spool;
  HttpAnswer answer;
  std::int64_t sent = 0;
  std::size_t header_bytes = 0;
  absl::Status error;  // of our own disk or of the sink, or of ours about the answer, which curl cannot say
};

std::string HostOf(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  return url.substr(begin, url.find_first_of("/?", begin) - begin);
}

absl::Status TooLarge(const HttpRequest& request, std::string_view what, std::int64_t bytes_max) {
  return absl::UnavailableError(
      fmt::format("{} to {}: {} of more than {} bytes", request.method, HostOf(request.url), what, bytes_max));
}

std::size_t ReadBody(char* to, std::size_t size, std::size_t count, void* of) {
  auto& transfer = *static_cast<Transfer*>(of);
  const auto piece = transfer.request->body.Read(transfer.sent, static_cast<std::int64_t>(size * count));
  if (!piece.ok()) {
    transfer.error = piece.status();
    return CURL_READFUNC_ABORT;
  }
  std::memcpy(to, piece->data(), piece->size());
  transfer.sent += static_cast<std::int64_t>(piece->size());
  return piece->size();
}

int SeekBody(void* of, curl_off_t offset, int origin) {
  if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  static_cast<Transfer*>(of)->sent = offset;
  return CURL_SEEKFUNC_OK;
}

bool IsForSink(const Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
  return transfer.request->sink != nullptr && status / 100 == 2;
}

std::size_t TakeBody(char* from, std::size_t size, std::size_t count, void* of) {
  auto& transfer = *static_cast<Transfer*>(of);
  const std::string_view piece(from, size * count);
  if (IsForSink(transfer)) {
    transfer.answer.sunk_bytes += static_cast<std::int64_t>(piece.size());
    transfer.error = transfer.request->sink->add(piece);
  } else if (transfer.spool.size() + static_cast<std::int64_t>(piece.size()) > transfer.request->answer_bytes_max) {
    transfer.error = TooLarge(*transfer.request, "an answer", transfer.request->answer_bytes_max);
  } else {
    transfer.error = transfer.spool.Append(piece);
  }
  return transfer.error.ok() ? size * count : 0;
}

std::size_t TakeHeader(char* from, std::size_t size, std::size_t count, void* of) {
  auto& transfer = *static_cast<Transfer*>(of);
  auto& headers = transfer.answer.headers;
  const std::string_view line(from, size * count);
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > kHeaderBytesMax) {
    transfer.error = TooLarge(*transfer.request, "headers", kHeaderBytesMax);
    return 0;
  }
  if (line.starts_with("HTTP/")) headers.clear();  // those of "100 Continue"
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    headers.emplace_back(LowerCase(line.substr(0, colon)), Trimmed(line.substr(colon + 1)));
  }
  return size * count;
}

void SetMethod(CURL* curl, const HttpRequest& request) {
  const auto size = static_cast<curl_off_t>(request.body.size());
  if (request.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, size);
  } else if (request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, size);
  } else {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

void SetCallbacks(CURL* curl, Transfer& transfer) {
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, ReadBody);
  curl_easy_setopt(curl, CURLOPT_READDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, SeekBody);
  curl_easy_setopt(curl, CURLOPT_SEEKDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, TakeHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
}

void SetTransport(CURL* curl, const CurlHttpOptions& options, const HttpRequest& request) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
  const int stall_s = request.body.size() > 0 ? options.stall_timeout_s : options.quiet_timeout_s;
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(stall_s));
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  if (request.timeout_ms > 0) curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
  if (!options.ca_bundle.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_bundle.c_str());
  if (request.direct) curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
}

curl_slist* HeaderList(const HttpRequest& request) {
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  for (const auto& [name, value] : request.headers) {
    list = curl_slist_append(list, (value.empty() ? name + ";" : name + ": " + value).c_str());
  }
  return list;
}

absl::StatusCode CodeOf(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return absl::StatusCode::kUnauthenticated;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

absl::Status Perform(CURL* curl, const HttpRequest& request, Transfer& transfer) {
  char reason[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  const CURLcode code = curl_easy_perform(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
  if (!transfer.error.ok()) return transfer.error;
  if (code == CURLE_OK) return absl::OkStatus();
  const absl::StatusCode status = CodeOf(code);
  const bool certificate = status == absl::StatusCode::kUnauthenticated;
  return absl::Status(status, fmt::format("{} to {}: {}{}", request.method, HostOf(request.url),
                                          *reason != '\0' ? reason : curl_easy_strerror(code),
                                          certificate ? "; name the certificates to believe in `ca_file`" : ""));
}

}  // namespace

std::string_view HttpAnswer::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

struct CurlHttp::Pool {
  std::mutex mu;
  std::vector<CURL*> idle;  // guarded by mu

  ~Pool() {
    for (CURL* curl : idle) curl_easy_cleanup(curl);
  }

  CURL* Take() {
    const std::lock_guard lock(mu);
    if (idle.empty()) return curl_easy_init();
    CURL* curl = idle.back();
    idle.pop_back();
    return curl;
  }

  void Return(CURL* curl) {
    curl_easy_reset(curl);  // which keeps the connections
    {
      const std::lock_guard lock(mu);
      if (idle.size() < kIdleMax) return idle.push_back(curl);
    }
    curl_easy_cleanup(curl);
  }
};

CurlHttp::CurlHttp(CurlHttpOptions options) : options_(std::move(options)), pool_(std::make_unique<Pool>()) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(initialised);
}

CurlHttp::~CurlHttp() = default;

absl::StatusOr<HttpAnswer> CurlHttp::Send(const HttpRequest& request) {
  CURL* curl = pool_->Take();
  if (curl == nullptr) return absl::ResourceExhaustedError("libcurl has no memory for a transfer");
  Transfer transfer{curl, &request, Spool(options_.staging_directory)};
  if (request.sink != nullptr) request.sink->begin();
  curl_slist* headers = HeaderList(request);
  SetTransport(curl, options_, request);
  SetMethod(curl, request);
  SetCallbacks(curl, transfer);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  const absl::Status performed = Perform(curl, request, transfer);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(headers);
  pool_->Return(curl);
  if (!performed.ok()) return performed;
  transfer.answer.status = static_cast<int>(status);
  auto body = transfer.spool.Finish();
  if (!body.ok()) return body.status();
  transfer.answer.body = *std::move(body);
  return std::move(transfer.answer);
}

}  // namespace smelt
