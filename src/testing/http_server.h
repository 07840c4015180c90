#ifndef SMELT_TESTING_HTTP_SERVER_H_
#define SMELT_TESTING_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

namespace smelt {

struct ServedRequest {
  std::string method;
  std::string target;                          // as it was sent: "/a%20b?c=d"
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct ServedAnswer {
  int status = 200;
  std::map<std::string, std::string> headers;  // Content-Length is added
  std::string body;

  // Faults. The connection ends with any of the first two.
  bool reset = false;           // a TCP reset instead of an answer
  std::int64_t cut_after = -1;  // only so many bytes of the body are sent
  std::int64_t delay_ms = 0;    // before the answer
};

// An HTTP/1.1 server on 127.0.0.1, at a port of its own, for tests: a thread for each connection, bodies whole in
// memory, keep-alive. It answers 400 to what it does not understand.
class HttpServer {
 public:
  using Handler = std::function<ServedAnswer(const ServedRequest&)>;

  // Listens when this returns. `handler` is called by many threads at once.
  explicit HttpServer(Handler handler);

  // Ends all connections and waits for their threads.
  ~HttpServer();

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string Address() const;  // "127.0.0.1:1234"
  std::string Url() const { return "http://" + Address(); }

 private:
  void Accept();
  void Serve(int fd);

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::mutex mu_;
  bool ending_ = false;             // guarded by mu_
  std::set<int> connections_;       // guarded by mu_
  std::list<std::thread> threads_;  // guarded by mu_
  std::thread acceptor_;
};

}  // namespace smelt

#endif  // SMELT_TESTING_HTTP_SERVER_H_
