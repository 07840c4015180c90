#include "src/status/http_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/status/connections.h"

namespace smelt {
namespace {

// Each thread has its part of the library's limit, and takes nobody beyond it: there is room for all connections on any
// thread, and as many that are being shut down on the others.
constexpr unsigned kThreads = 2, kConnectionsMax = 1024, kIdleSeconds = 5;
constexpr unsigned kLibraryConnectionsMax = kThreads * kConnectionsMax;
constexpr std::size_t kConnectionBytes = 32 << 10;

struct Address {
  sockaddr_storage storage{};
  bool v6 = false;
};

absl::StatusOr<Address> ParseAddress(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto parsed =
      colon == text.npos ? std::from_chars_result{} : std::from_chars(text.data() + colon + 1, end, port);
  std::string host = text.substr(0, colon == text.npos ? 0 : colon);
  if (host == "localhost") host = "127.0.0.1";
  Address address;
  address.v6 = host.empty() || host.front() == '[';
  if (host.empty()) host = "[::]";
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (address.v6) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    host = host.substr(1, host.size() - 2);
  } else {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
  }
  void* target = address.v6 ? static_cast<void*>(&v6->sin6_addr) : static_cast<void*>(&v4->sin_addr);
  if (parsed.ec != std::errc() || parsed.ptr != end ||
      inet_pton(address.v6 ? AF_INET6 : AF_INET, host.c_str(), target) != 1) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is no address to listen on: write \"127.0.0.1:8981\", \"[::1]:8981\" or \":8981\"", text));
  }
  return address;
}

class MicroHttpServer : public WebServer {
 public:
  explicit MicroHttpServer(Handler handler) : handler_(std::move(handler)) {}
  ~MicroHttpServer() override {
    if (daemon_) MHD_stop_daemon(daemon_);
  }

  bool Listen(const Address& address) {
    const unsigned flags =
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | (address.v6 ? unsigned{MHD_USE_DUAL_STACK} : 0u);
    daemon_ = MHD_start_daemon(flags, 0, nullptr, nullptr, &MicroHttpServer::OnRequest, this, MHD_OPTION_SOCK_ADDR,
                               reinterpret_cast<const sockaddr*>(&address.storage), MHD_OPTION_THREAD_POOL_SIZE,
                               kThreads, MHD_OPTION_NOTIFY_CONNECTION, &MicroHttpServer::OnConnection, this,
                               MHD_OPTION_NOTIFY_COMPLETED, &MicroHttpServer::OnCompleted, this,
                               MHD_OPTION_CONNECTION_LIMIT, kLibraryConnectionsMax, MHD_OPTION_CONNECTION_TIMEOUT,
                               kIdleSeconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, kConnectionBytes, MHD_OPTION_END);
    return daemon_ != nullptr;
  }

  int port() const override { return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port; }

 private:
  static void OnConnection(void* self, MHD_Connection* connection, void** context,
                           MHD_ConnectionNotificationCode code) {
    Connections& connections = static_cast<MicroHttpServer*>(self)->connections_;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      *context = connections.Opened(MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    } else {
      connections.Closed(static_cast<Connections::Connection*>(*context));
    }
  }

  static void OnCompleted(void* self, MHD_Connection* connection, void**, MHD_RequestTerminationCode) {
    static_cast<MicroHttpServer*>(self)->connections_.Answered(Of(connection));
  }

  static Connections::Connection* Of(MHD_Connection* connection) {
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return static_cast<Connections::Connection*>(info->socket_context);
  }

  static MHD_Result OnRequest(void* self, MHD_Connection* connection, const char* path, const char* method, const char*,
                              const char*, std::size_t* upload_size, void** state) {
    static int seen;
    if (*state == nullptr) {
      *state = &seen;
      return MHD_YES;
    }
    if (*upload_size > 0) {
      *upload_size = 0;
      return MHD_YES;
    }
    return static_cast<MicroHttpServer*>(self)->Answer(connection, path, method);
  }

  MHD_Result Answer(MHD_Connection* connection, const char* path, std::string_view method) {
    connections_.Asked(Of(connection));
    const char* authorization = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    WebResponse answer{405, "text/plain; charset=utf-8", "only GET\n"};
    if (method == "GET" || method == "HEAD") answer = handler_({path, authorization ? authorization : ""});
    MHD_Response* response =
        MHD_create_response_from_buffer(answer.body.size(), answer.body.data(), MHD_RESPMEM_MUST_COPY);
    const std::pair<const char*, const char*> kHeaders[] = {
        {"Content-Type", answer.content_type.c_str()},
        {"Cache-Control", "no-store"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src "
         "data:"}};
    for (const auto& [name, value] : kHeaders) MHD_add_response_header(response, name, value);
    if (answer.code == 401) MHD_add_response_header(response, "WWW-Authenticate", "Basic realm=\"smelt\"");
    const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(answer.code), response);
    MHD_destroy_response(response);
    return queued;
  }

  const Handler handler_;
  Connections connections_{kConnectionsMax};
  MHD_Daemon* daemon_ = nullptr;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WebServer>> WebServer::Start(const std::string& address, Handler handler) {
  absl::StatusOr<Address> parsed = ParseAddress(address);
  if (!parsed.ok()) return parsed.status();
  auto server = std::make_unique<MicroHttpServer>(std::move(handler));
  if (!server->Listen(*parsed)) {
    return absl::UnavailableError(fmt::format(
        "cannot listen on {} for the status page: is another server there, and is it an address of this machine?",
        address));
  }
  return server;
}

}  // namespace smelt
