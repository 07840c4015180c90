#ifndef SMELT_STATUS_HTTP_SERVER_H_
#define SMELT_STATUS_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace smelt {

struct WebRequest {
  std::string path;           // without the query
  std::string authorization;  // the header; empty without one
};

struct WebResponse {
  int code = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// A small HTTP server for pages about a program: GET and HEAD only, everything else is 405. Two threads, 1024
// connections at most, of which one that does nothing is closed after 5 s. One more is taken all the same, and
// answered: then the one is closed that has waited longest for the rest of its request (connections.h).
class WebServer {
 public:
  // Answers a request; called by several threads at once. A code of 401 asks browsers for a name and a password.
  using Handler = std::function<WebResponse(const WebRequest&)>;

  virtual ~WebServer() = default;  // ends what is under way

  // `address` is "127.0.0.1:8981", "[::1]:0", ":8981" (all addresses); port 0 takes a free one. INVALID_ARGUMENT for
  // anything else, UNAVAILABLE, naming the address, where it cannot be had.
  static absl::StatusOr<std::unique_ptr<WebServer>> Start(const std::string& address, Handler handler);

  virtual int port() const = 0;
};

}  // namespace smelt

#endif  // SMELT_STATUS_HTTP_SERVER_H_
