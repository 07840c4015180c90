#include "src/wrapper/daemon_commands.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "src/wire/socket_path.h"
#include "src/wrapper/commands.h"
#include "src/wrapper/connect.h"
#include "src/wrapper/relay.h"
#include "src/wrapper/session.h"

namespace smelt::wrapper {
namespace {

constexpr int kPollMs = 20;

int Fail(const std::string& what) {
  WriteAll(STDERR_FILENO, "smelt: " + what + "\n");
  return kFailed;
}

// The last whole lines of the log, indented; empty if there is nothing.
std::string LogTail(const std::string& path) {
  UniqueFd log(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (!log.valid() || fstat(log.get(), &info) != 0) return {};
  std::string tail(kLogTailBytesMax, '\0');
  off_t from = std::max<off_t>(0, info.st_size - static_cast<off_t>(tail.size()));
  ssize_t n = pread(log.get(), tail.data(), tail.size(), from);
  tail.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (from > 0) tail.erase(0, tail.find('\n') + 1);
  if (!tail.empty() && tail.back() != '\n') tail += '\n';

  std::string shown;
  int lines = static_cast<int>(std::count(tail.begin(), tail.end(), '\n'));
  for (std::size_t begin = 0; begin < tail.size(); --lines) {
    std::size_t end = tail.find('\n', begin) + 1;
    if (lines <= kLogTailLinesMax) shown += "  " + tail.substr(begin, end - begin);
    begin = end;
  }
  return shown;
}

int CannotStart(const std::string& command, const wire::DaemonPaths& paths, const std::string& error) {
  std::string text = "smelt: the daemon is not running and could not be started; crates are compiled without a cache\n";
  text += "smelt: " + error + "\n";
  if (command == "status" || command == "doctor") {
    std::string tail = LogTail(paths.log);
    text += tail.empty() ? "The log, " + paths.log + ", is empty.\n" : "The end of " + paths.log + ":\n" + tail;
  }
  WriteAll(STDERR_FILENO, text);
  return kFailed;
}

// True once nobody listens on the socket any more.
bool IsGoneWithin(const wire::DaemonPaths& paths, int ms_max) {
  for (int waited_ms = 0; Connect(paths, 0).socket.valid(); waited_ms += kPollMs) {
    if (waited_ms >= ms_max) return false;
    poll(nullptr, 0, kPollMs);
  }
  return true;
}

// The process that listens at the other end; not valid where that cannot be seen.
UniqueFd ProcessBehind(int socket) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) return UniqueFd();
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, peer.pid, 0)));
}

// A process goes on for a while after it has stopped listening: what it has in hand goes to its store.
bool EndsWithin(const UniqueFd& process, int ms_max) {
  pollfd end = {.fd = process.get(), .events = POLLIN, .revents = 0};
  return !process.valid() || poll(&end, 1, ms_max) > 0;
}

}  // namespace

int AskDaemon(const std::vector<std::string>& arguments) {
  std::string error;
  std::optional<wire::DaemonPaths> paths = wire::FindDaemonPaths(&error);
  if (!paths) return Fail(error);
  for (;;) {
    Connection daemon = ConnectOrStart(*paths, StartDaemon::kAlways, SilenceMsMax());
    if (!daemon.socket.valid()) return CannotStart(arguments[0], *paths, daemon.error);
    CommandResult result = RunCommand(std::move(daemon.socket), arguments);
    if (result.outcome == CommandResult::kDone) return result.status;
    if (result.outcome == CommandResult::kLost) {
      return Fail("the daemon stopped answering; its log is " + paths->log);
    }
    if (!IsGoneWithin(*paths, kOtherVersionMsMax)) {
      return Fail("a daemon of another version (" + result.build_id +
                  ") is still at work; it ends when it is done: try again then");
    }
  }
}

int StartDaemonAndSay() {
  std::string error;
  std::optional<wire::DaemonPaths> paths = wire::FindDaemonPaths(&error);
  if (!paths) return Fail(error);
  Connection daemon = ConnectOrStart(*paths, StartDaemon::kAlways, SilenceMsMax());
  if (!daemon.socket.valid()) return CannotStart("status", *paths, daemon.error);
  return WriteAll(STDOUT_FILENO, "smeltd is running on " + paths->socket + "\n") ? 0 : kFailed;
}

int StopDaemon() {
  std::string error;
  std::optional<wire::DaemonPaths> paths = wire::FindDaemonPaths(&error);
  if (!paths) return Fail(error);
  Connection daemon = Connect(*paths, SilenceMsMax());
  if (!daemon.socket.valid()) {
    if (!daemon.nobody_listens) return Fail(daemon.error);
    return WriteAll(STDOUT_FILENO, "smeltd is not running\n") ? 0 : kFailed;
  }
  const UniqueFd process = ProcessBehind(daemon.socket.get());
  CommandResult result = RunCommand(std::move(daemon.socket), {"stop"});
  if (result.outcome == CommandResult::kDone && result.status != 0) return result.status;
  if (!IsGoneWithin(*paths, kStopMsMax) || !EndsWithin(process, kStopMsMax))
    return Fail("smeltd is still at work; its log is " + paths->log);
  return WriteAll(STDOUT_FILENO, "smeltd has ended\n") ? 0 : kFailed;
}

}  // namespace smelt::wrapper
