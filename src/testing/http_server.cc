#include "src/testing/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <utility>

#include "src/base/ascii.h"

namespace smelt {
namespace {

constexpr std::size_t kHeadMax = 64 << 10;

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// Appends what arrives; false at the end of the connection.
bool Receive(int fd, std::string& buffer) {
  char piece[64 << 10];
  const ssize_t got = ::recv(fd, piece, sizeof(piece), 0);
  if (got <= 0) return false;
  buffer.append(piece, static_cast<std::size_t>(got));
  return true;
}

bool ParseHead(std::string_view head, ServedRequest& request) {
  const std::size_t first_space = head.find(' ');
  const std::size_t second_space = head.find(' ', first_space + 1);
  const std::size_t line_end = head.find("\r\n");
  if (first_space == head.npos || second_space == head.npos || second_space > line_end) return false;
  request.method = std::string(head.substr(0, first_space));
  request.target = std::string(head.substr(first_space + 1, second_space - first_space - 1));
  for (head.remove_prefix(line_end + 2); !head.empty();) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::size_t colon = head.find(':');
    if (colon == head.npos || colon > end) return false;
    request.headers[LowerCase(head.substr(0, colon))] = Trimmed(head.substr(colon + 1, end - colon - 1));
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return true;
}

// The next request of the connection; `buffer` holds what has arrived and is not used. Nothing at its end.
std::optional<ServedRequest> ReadRequest(int fd, std::string& buffer) {
  std::size_t head_end;
  while ((head_end = buffer.find("\r\n\r\n")) == buffer.npos) {
    if (buffer.size() > kHeadMax || !Receive(fd, buffer)) return std::nullopt;
  }
  ServedRequest request;
  if (!ParseHead(std::string_view(buffer).substr(0, head_end), request)) {
    SendAll(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return std::nullopt;
  }
  const auto length = request.headers.find("content-length");
  const std::size_t body = length == request.headers.end() ? 0 : std::strtoull(length->second.c_str(), nullptr, 10);
  if (request.headers["expect"] == "100-continue") SendAll(fd, "HTTP/1.1 100 Continue\r\n\r\n");
  while (buffer.size() < head_end + 4 + body) {
    if (!Receive(fd, buffer)) return std::nullopt;
  }
  request.body = buffer.substr(head_end + 4, body);
  buffer.erase(0, head_end + 4 + body);
  return request;
}

// False if the connection has ended with it.
bool SendAnswer(int fd, const ServedAnswer& answer) {
  if (answer.delay_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(answer.delay_ms));
  if (answer.reset) {
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    return false;
  }
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " -\r\n";
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  if (answer.status != 204) text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  text += "\r\n";
  const bool cut = answer.cut_after >= 0 && answer.cut_after < static_cast<std::int64_t>(answer.body.size());
  text += cut ? answer.body.substr(0, static_cast<std::size_t>(answer.cut_after)) : answer.body;
  return SendAll(fd, text) && !cut;
}

}  // namespace

HttpServer::HttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 128) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpServer::~HttpServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
    for (const int fd : connections_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

std::string HttpServer::Address() const { return "127.0.0.1:" + std::to_string(port_); }

void HttpServer::Accept() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const std::lock_guard lock(mu_);
    connections_.insert(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void HttpServer::Serve(int fd) {
  std::string buffer;
  for (;;) {
    const std::optional<ServedRequest> request = ReadRequest(fd, buffer);
    if (!request || !SendAnswer(fd, handler_(*request))) break;
  }
  const std::lock_guard lock(mu_);
  connections_.erase(fd);
  ::close(fd);
}

}  // namespace smelt
