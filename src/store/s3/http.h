#ifndef SMELT_STORE_S3_HTTP_H_
#define SMELT_STORE_S3_HTTP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/bytes.h"

namespace smelt {

// Takes what arrives, piece by piece.
struct BodySink {
  // Before the first piece, and again whenever the body begins anew: what came before is void.
  std::function<void()> begin;

  // An error ends the transfer and is its status.
  std::function<absl::Status(std::string_view)> add;
};

struct HttpRequest {
  static constexpr std::int64_t kAnswerBytesMax = 16 << 20;

  std::string method = "GET";
  std::string url;  // escaped
  std::vector<std::pair<std::string, std::string>> headers;
  Bytes body;                                       // sent with PUT and POST only
  std::int64_t timeout_ms = 0;                      // for all of it; 0: none
  bool direct = false;                              // whatever proxy the environment names
  const BodySink* sink = nullptr;                   // takes the body of an answer of 2xx, which has none then
  std::int64_t answer_bytes_max = kAnswerBytesMax;  // of a body that no sink takes
};

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  Bytes body;                                                // a file when it is large
  std::int64_t sunk_bytes = 0;                               // that went to the request's sink

  // The value of the first header `name` (lower case), or "".
  std::string_view Header(std::string_view name) const;
};

// One request, one answer. Thread-safe; blocks. OK whatever the answer's status is; with host and reason and never
// a header UNAVAILABLE when there is no whole answer, or one that is larger than it may be (its headers: 256 KiB),
// DEADLINE_EXCEEDED when nobody answers in time or at all, and UNAUTHENTICATED when a certificate is not believed.
// Redirects are answers.
class Http {
 public:
  virtual ~Http() = default;
  virtual absl::StatusOr<HttpAnswer> Send(const HttpRequest& request) = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_HTTP_H_
