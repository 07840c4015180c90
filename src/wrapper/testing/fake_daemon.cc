#include "src/wrapper/testing/fake_daemon.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdio>
#include <cstdlib>

#include "src/wire/frame.h"

namespace smelt::wrapper {

void DaemonEnd::Send(const wire::Message& message) { wire::WriteMessage(socket_.get(), message); }

void DaemonEnd::SendRaw(const std::string& bytes) { send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }

wire::Message DaemonEnd::Receive() {
  wire::Message message;
  if (wire::ReadMessage(socket_.get(), &message) != wire::FrameStatus::kOk) return wire::Plain{};
  return message;
}

void DaemonEnd::WaitForClose() {
  char buffer[4096];
  while (recv(socket_.get(), buffer, sizeof(buffer), 0) > 0) {
  }
}

FakeDaemon::FakeDaemon(const std::string& path, std::vector<Script> scripts)
    : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(listener_.get(), 16) != 0) {
    perror(path.c_str());
    abort();
  }
  thread_ = std::thread([this, scripts = std::move(scripts)] {
    for (const Script& script : scripts) {
      DaemonEnd end(UniqueFd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
      script(end);
    }
  });
}

FakeDaemon::~FakeDaemon() { thread_.join(); }

}  // namespace smelt::wrapper
