#include "src/wrapper/connect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include <cstdlib>
#include <utility>

#include "src/wrapper/own_fd.h"
#include "src/wrapper/spawn_daemon.h"

namespace smelt::wrapper {
namespace {

constexpr int kPollMs = 5;
// As long as another process may be busy starting the daemon, and a little.
constexpr int kLockMsMax = kStartMsMax + 1000;

void SleepMs(int ms) { poll(nullptr, 0, ms); }

bool IsOurs(int socket) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

// One attempt; 0 or errno.
int TryConnect(const std::string& path, UniqueFd* connected) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid() || connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return errno;
  if (!IsOurs(fd.get())) return EPERM;
  *connected = MovedAway(std::move(fd));
  return 0;
}

std::string ConnectError(const std::string& path, int error) {
  if (error == ENOENT || error == ECONNREFUSED) return "smeltd is not running: nobody listens on " + path;
  if (error == EPERM) return "the process that listens on " + path + " belongs to another user";
  if (error == EAGAIN) return "smeltd does not accept connections on " + path;
  return "cannot connect to " + path + ": " + strerror(error);
}

bool JustFailed(const wire::DaemonPaths& paths) {
  struct stat info;
  if (stat(paths.failed.c_str(), &info) != 0) return false;
  time_t age = time(nullptr) - info.st_mtime;
  return age > -kRetryAfterSeconds && age < kRetryAfterSeconds;
}

void MarkFailed(const wire::DaemonPaths& paths, const std::string& error) {
  UniqueFd marker(open(paths.failed.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!marker.valid()) return;
  std::string text = error + "\n";
  (void)!write(marker.get(), text.data(), text.size());
  futimens(marker.get(), nullptr);
}

bool NoStart() {
  const char* value = std::getenv("SMELT_NO_START");
  return value != nullptr && *value != '\0' && strcmp(value, "0") != 0;
}

// Waits until the new daemon accepts, or has died, or has taken too long.
Connection Await(const wire::DaemonPaths& paths, const SpawnedDaemon& daemon) {
  Connection connection;
  for (int waited_ms = 0; waited_ms <= kStartMsMax; waited_ms += kPollMs) {
    bool died = daemon.EndsWithin(kPollMs);
    int error = TryConnect(paths.socket, &connection.socket);
    if (error == 0) return connection;
    if (died) {
      connection.error = "smeltd ended as soon as it was started; its log is " + paths.log;
      return connection;
    }
  }
  connection.error = "smeltd was started but does not listen on " + paths.socket + "; its log is " + paths.log;
  return connection;
}

// With the lock held.
Connection StartUnderLock(const wire::DaemonPaths& paths, StartDaemon start) {
  Connection connection = Connect(paths, 0);
  if (connection.socket.valid()) return connection;
  if (start == StartDaemon::kUnlessItJustFailed && JustFailed(paths)) {
    connection.error = "smeltd could not be started a moment ago; its log is " + paths.log;
    return connection;
  }
  SpawnedDaemon daemon = SpawnDaemon(paths, &connection.error);
  if (daemon.pid > 0) connection = Await(paths, daemon);
  if (connection.socket.valid()) {
    unlink(paths.failed.c_str());
  } else {
    MarkFailed(paths, connection.error);
  }
  return connection;
}

}  // namespace

Connection Connect(const wire::DaemonPaths& paths, int wait_ms_max) {
  Connection connection;
  for (int waited_ms = 0;; waited_ms += kPollMs) {
    int error = TryConnect(paths.socket, &connection.socket);
    if (error == 0) return connection;
    if (error != EAGAIN || waited_ms >= wait_ms_max) {
      connection.error = ConnectError(paths.socket, error);
      connection.nobody_listens = error == ENOENT || error == ECONNREFUSED;
      return connection;
    }
    SleepMs(kPollMs);
  }
}

Connection ConnectOrStart(const wire::DaemonPaths& paths, StartDaemon start, int wait_ms_max) {
  Connection connection = Connect(paths, wait_ms_max);
  if (!connection.nobody_listens || start == StartDaemon::kNever || NoStart()) return connection;
  if (start == StartDaemon::kUnlessItJustFailed && JustFailed(paths)) return connection;
  if (!wire::MakeDaemonDirectories(paths, &connection.error)) return connection;
  UniqueFd lock = MovedAway(UniqueFd(open(paths.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
  if (!lock.valid()) {
    connection.error = "cannot open the lock " + paths.lock + ": " + strerror(errno);
    return connection;
  }
  for (int waited_ms = 0; flock(lock.get(), LOCK_EX | LOCK_NB) != 0; waited_ms += kPollMs) {
    if (waited_ms >= kLockMsMax) return connection;
    SleepMs(kPollMs);
    Connection meanwhile = Connect(paths, 0);
    if (meanwhile.socket.valid()) return meanwhile;
  }
  return StartUnderLock(paths, start);
}

}  // namespace smelt::wrapper
