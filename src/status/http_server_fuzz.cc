// Any bytes on a connection: the handler sees a path without a query or nothing, what comes back is HTTP, and others
// are answered as before.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/base/unique_fd.h"
#include "src/status/http_server.h"

namespace {

int ThePort() {
  static smelt::WebServer* const server =
      smelt::WebServer::Start("127.0.0.1:0", [](const smelt::WebRequest& request) {
        if (request.path.find('?') != std::string::npos) std::abort();
        return smelt::WebResponse{request.authorization.empty() ? 401 : 200, "text/plain", request.path};
      })->release();
  return server->port();
}

smelt::UniqueFd Connected() {
  smelt::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(ThePort()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  const linger reset = {1, 0};  // no port is left waiting
  ::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  return client;
}

std::string Received(const smelt::UniqueFd& client, int flags) {
  std::string answer;
  char piece[4096];
  for (ssize_t got; (got = ::recv(client.get(), piece, sizeof piece, flags)) > 0;) {
    answer.append(piece, static_cast<std::size_t>(got));
  }
  return answer;
}

// Whether somebody else is answered.
bool IsUp() {
  constexpr std::string_view kRequest = "GET /up HTTP/1.0\r\nAuthorization: x\r\n\r\n";
  const smelt::UniqueFd client = Connected();
  if (::send(client.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) < 0) return false;
  const std::string answer = Received(client, 0);
  return answer.starts_with("HTTP/1.") && answer.find(" 200 ") < 10 && answer.ends_with("/up");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const smelt::UniqueFd client = Connected();
  const bool sent = ::send(client.get(), data, size, MSG_NOSIGNAL) >= 0;
  if (!IsUp()) std::abort();
  const std::string answer = sent ? Received(client, MSG_DONTWAIT) : "";
  if (!answer.empty() && !answer.starts_with("HTTP/1.")) std::abort();
  return 0;
}
