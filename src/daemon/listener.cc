#include "src/daemon/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <thread>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "glog/logging.h"

namespace smelt {
namespace {

constexpr int kOutOfDescriptorsMs = 10;

// What is written to wake Run.
constexpr char kStop = 's';
constexpr char kStopAtOnce = 'a';

std::int64_t NowSeconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec;
}

bool HasSpoken(int socket) {
  pollfd ready = {socket, POLLIN, 0};
  return poll(&ready, 1, 0) > 0;
}

bool IsSameUser(int socket) {
  ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid();
}

}  // namespace

Listener::Listener(Options options, std::function<void(UniqueFd)> serve, std::function<void()> tick)
    : options_(std::move(options)), serve_(std::move(serve)), tick_(std::move(tick)) {
  int ends[2];
  PCHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  wake_reading_.Reset(ends[0]);
  wake_writing_.Reset(ends[1]);
  last_use_seconds_ = NowSeconds();
}

absl::Status Listener::Bind() {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (options_.socket_path.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(fmt::format("{}: too long for a socket's path", options_.socket_path));
  }
  std::memcpy(address.sun_path, options_.socket_path.data(), options_.socket_path.size());
  socket_.Reset(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket_.valid()) return absl::ErrnoToStatus(errno, "socket");
  unlink(options_.socket_path.c_str());
  const mode_t mask = umask(0177);
  const bool bound = bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  umask(mask);
  if (!bound) return absl::ErrnoToStatus(error, fmt::format("cannot listen on {}", options_.socket_path));
  if (listen(socket_.get(), 1024) != 0) return absl::ErrnoToStatus(errno, "listen");
  struct stat made;
  if (stat(options_.socket_path.c_str(), &made) == 0) socket_inode_ = made.st_ino;
  return absl::OkStatus();
}

bool Listener::Run() {
  std::int64_t last_tick = NowSeconds();
  for (;;) {
    pollfd ready[2] = {{socket_.get(), POLLIN, 0}, {wake_reading_.get(), POLLIN, 0}};
    const int n = poll(ready, 2, 1000);
    if (n < 0 && errno != EINTR) PLOG(FATAL) << "poll";
    if (n > 0 && ready[1].revents) break;
    if (n > 0 && ready[0].revents) Accept();
    if (const std::int64_t now = NowSeconds(); now != last_tick) {
      tick_();
      last_tick = now;
      if (!HasSocket()) {
        LOG(WARNING) << options_.socket_path << " is gone: nobody can find this daemon any more";
        break;
      }
    }
    if (n == 0 && IsIdleTooLong()) break;
  }
  if (HasSocket()) unlink(options_.socket_path.c_str());
  socket_.Reset();
  char how = kStop;
  const bool at_once = read(wake_reading_.get(), &how, 1) == 1 && how == kStopAtOnce;
  const bool drained = AwaitConnections(at_once ? 0 : options_.drain_seconds);
  tick_();
  return drained;
}

// False if the socket's file was removed, or is another daemon's.
bool Listener::HasSocket() const {
  struct stat now;
  return stat(options_.socket_path.c_str(), &now) == 0 && now.st_ino == socket_inode_;
}

void Listener::Accept() {
  UniqueFd connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection.valid()) {
    poll(nullptr, 0, kOutOfDescriptorsMs);  // what is waiting will wait until some connection ends
    return;
  }
  if (!IsSameUser(connection.get())) return;
  {
    absl::MutexLock lock(&mu_);
    auto has_room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return connections_ < kConnectionsMax; };
    if (!has_room()) CloseOldestSilent();
    mu_.Await(absl::Condition(&has_room));
    ++connections_;
    last_use_seconds_ = NowSeconds();
    silent_.push_back(connection.get());
    waiting_.push_back(std::move(connection));
    if (waiting_.size() <= idle_threads_) return;
    ++threads_;
  }
  StartThread();
}

void Listener::StartThread() {
  try {
    std::thread([this] { ServeConnections(); }).detach();
  } catch (const std::system_error& error) {
    LOG(WARNING) << "no thread for a connection: " << error.what();
    absl::MutexLock lock(&mu_);
    --threads_;
    if (waiting_.empty()) return;
    RemoveSilent(waiting_.back().get());
    waiting_.pop_back();  // the wrapper compiles plainly
    --connections_;
  }
}

void Listener::ServeConnections() {
  for (UniqueFd connection = NextConnection(); connection.valid(); connection = NextConnection()) {
    if (AwaitFirstByte(connection.get())) serve_(std::move(connection));
    connection.Reset();
    EndConnection();
  }
}

bool Listener::AwaitFirstByte(int connection) {
  pollfd ready = {connection, POLLIN, 0};
  int n;
  while ((n = poll(&ready, 1, kSilenceMsMax)) < 0 && errno == EINTR) continue;
  absl::MutexLock lock(&mu_);
  return RemoveSilent(connection) && n > 0;
}

// Its thread sees the end, and closes it. What has come in may only not have been looked at yet.
void Listener::CloseOldestSilent() {
  const auto oldest = std::find_if_not(silent_.begin(), silent_.end(), HasSpoken);
  if (oldest == silent_.end()) return;
  shutdown(*oldest, SHUT_RDWR);
  silent_.erase(oldest);
}

bool Listener::RemoveSilent(int connection) {
  const auto found = std::find(silent_.begin(), silent_.end(), connection);
  if (found == silent_.end()) return false;
  silent_.erase(found);
  return true;
}

UniqueFd Listener::NextConnection() {
  absl::MutexLock lock(&mu_);
  ++idle_threads_;
  auto has_work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !waiting_.empty() || ending_; };
  mu_.AwaitWithTimeout(absl::Condition(&has_work), absl::Seconds(kThreadIdleSeconds));
  --idle_threads_;
  UniqueFd connection;
  if (waiting_.empty()) {
    --threads_;
  } else {
    connection = std::move(waiting_.front());
    waiting_.pop_front();
  }
  return connection;
}

void Listener::EndConnection() {
  absl::MutexLock lock(&mu_);
  --connections_;
  last_use_seconds_ = NowSeconds();
}

bool Listener::IsIdleTooLong() {
  absl::MutexLock lock(&mu_);
  return connections_ == 0 && NowSeconds() - last_use_seconds_ >= options_.idle_seconds;
}

bool Listener::AwaitConnections(int seconds_max) {
  absl::MutexLock lock(&mu_);
  ending_ = true;
  auto is_done = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return connections_ == 0; };
  if (!mu_.AwaitWithTimeout(absl::Condition(&is_done), absl::Seconds(seconds_max))) {
    LOG(WARNING) << connections_ << " connections were still open; their compilers go on without us";
    return false;
  }
  auto have_ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return threads_ == 0; };
  mu_.Await(absl::Condition(&have_ended));
  return true;
}

void Listener::Stop() { Wake(kStop); }

void Listener::StopAtOnce() { Wake(kStopAtOnce); }

void Listener::Wake(char how) {
  if (write(wake_writing_.get(), &how, 1) < 0) return;  // full: it has been woken already
}

}  // namespace smelt
