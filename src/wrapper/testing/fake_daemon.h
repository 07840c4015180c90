#ifndef SMELT_WRAPPER_TESTING_FAKE_DAEMON_H_
#define SMELT_WRAPPER_TESTING_FAKE_DAEMON_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/wire/message.h"

namespace smelt::wrapper {

// The daemon's side of one connection, as the test has scripted it.
class DaemonEnd {
 public:
  explicit DaemonEnd(UniqueFd socket) : socket_(std::move(socket)) {}

  void Send(const wire::Message& message);
  void SendRaw(const std::string& bytes);

  // The next message, Plain if the wrapper has closed the connection.
  wire::Message Receive();

  // Waits, saying nothing, until the wrapper closes the connection.
  void WaitForClose();

  int fd() const { return socket_.get(); }

 private:
  UniqueFd socket_;
};

// Listens on `path` in the test's process and hands each connection, one after the other, to the next of `scripts`; a
// connection is closed when its script returns. Destruction waits for all scripts.
class FakeDaemon {
 public:
  using Script = std::function<void(DaemonEnd&)>;

  FakeDaemon(const std::string& path, std::vector<Script> scripts);
  ~FakeDaemon();

 private:
  UniqueFd listener_;
  std::thread thread_;
};

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_TESTING_FAKE_DAEMON_H_
