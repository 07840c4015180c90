#include "src/services/connections/accept4.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <mutex>

#include "glog/logging.h"
#include "src/base/unique_fd.h"

namespace smelt {
namespace {

constexpr int kLogSeconds = 10;

std::atomic<int> connections_below = std::numeric_limits<int>::max();

int Accept(int listener, sockaddr* address, socklen_t* size, int flags) {
  return static_cast<int>(::syscall(SYS_accept4, listener, address, size, flags));
}

bool NoneIsLeft(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

bool IsOfTheListener(int error) {
  return error == EAGAIN || error == EINTR || error == EBADF || error == EINVAL || error == ENOTSOCK ||
         error == EOPNOTSUPP || error == EFAULT;
}

// Accepts a connection by means of a spare descriptor, and closes it. False if there is no spare one either.
bool TurnOneAway(int listener) {
  static std::mutex mu;
  static UniqueFd* const spare = new UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::lock_guard lock(mu);
  if (!spare->valid()) spare->Reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!spare->valid()) return false;
  spare->Reset();
  const UniqueFd connection(Accept(listener, nullptr, nullptr, SOCK_CLOEXEC));
  return connection.valid();
}

void SayTooMany() {
  LOG_EVERY_T(ERROR, kLogSeconds) << "too many connections: those beyond " << connections_below
                                  << " open files are closed at once (ulimit -n, LimitNOFILE)";
}

}  // namespace

void KeepDescriptorsFromConnections() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  constexpr rlim_t kMost = std::numeric_limits<int>::max();
  connections_below = static_cast<int>(std::min(limit.rlim_cur, kMost) / 4 * 3);
}

}  // namespace smelt

extern "C" int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  for (;;) {
    const int fd = smelt::Accept(listener, address, size, flags);
    if (fd >= 0 && fd < smelt::connections_below) return fd;
    const int error = fd < 0 ? errno : 0;
    if (smelt::IsOfTheListener(error)) return errno = error, -1;
    if (fd >= 0) ::close(fd);
    if (fd >= 0 || smelt::NoneIsLeft(error)) smelt::SayTooMany();
    if (smelt::NoneIsLeft(error) && !smelt::TurnOneAway(listener)) return errno = EAGAIN, -1;
  }
}
