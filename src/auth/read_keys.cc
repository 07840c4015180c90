#include <curl/curl.h>

#include <memory>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/auth/auth_options.h"
#include "src/auth/key_cache.h"
#include "src/base/file_system.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::size_t kBytesMax = 1 << 20;
constexpr long kTimeoutMs = 10'000;

std::size_t Append(char* data, std::size_t, std::size_t size, void* target) {
  auto& text = *static_cast<std::string*>(target);
  if (text.size() + size > kBytesMax) return 0;
  text.append(data, size);
  return size;
}

absl::StatusOr<std::string> Fetch(const std::string& url) {
  RETURN_IF_ERROR(CheckKeysUrl(url));
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  if (!curl) return absl::InternalError("libcurl cannot be used");
  std::string text;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "https,http");
  curl_easy_setopt(curl.get(), CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, kTimeoutMs);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &text);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return absl::UnavailableError(fmt::format("{}: {}", url, curl_easy_strerror(code)));
  return text;
}

}  // namespace

ReadKeys KeysInFile(const std::string& path) {
  return [path] { return FileSystem::System().ReadFile(path); };
}

ReadKeys KeysAtUrl(const std::string& url) {
  return [url] { return Fetch(url); };
}

}  // namespace smelt
