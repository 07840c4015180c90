#include "src/services/connections/held_sends.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "src/services/connections/answering.h"

namespace smelt {
namespace {

std::atomic<Clock*> wanted = nullptr;

bool IsTcp(int fd) {
  int protocol = 0;
  socklen_t size = sizeof(protocol);
  return ::getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_TCP;
}

// Those of one thread. A connection that was closed meanwhile has sent what was held.
class HeldSends {
 public:
  void BeginPoll() {
    PushAll();
    Answering::Take();
    clock_ = wanted;
  }

  void BeginSend() {
    if (end_ == connections_.data()) return;
    const std::int64_t held_ns = clock_->NowNanos() - since_ns_;
    if (held_ns < 0 || held_ns > kHeldNanosMax) PushAll();
  }

  // Whether what is sent now waits for the next poll.
  bool Hold(int fd) {
    if (clock_ == nullptr) return false;
    Connection* const held =
        std::find_if(connections_.data(), end_, [fd](const Connection& each) { return each.fd == fd; });
    if (held == end_ && !Add(fd)) return false;
    return ++held->sends % (kHeldSendsMax + 1) != 0;
  }

 private:
  struct Connection {
    int fd = -1;
    int sends = 0;
  };

  bool Add(int fd) {
    if (end_ == connections_.data() + connections_.size() || !IsTcp(fd)) return false;
    if (end_ == connections_.data()) since_ns_ = clock_->NowNanos();
    *end_++ = {.fd = fd};
    return true;
  }

  void PushAll() {
    for (Connection* each = connections_.data(); each != end_; ++each) Push(each->fd);
    end_ = connections_.data();
  }

  static void Push(int fd) {
    const int off = 0;
    ::setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
  }

  std::array<Connection, 32> connections_;
  Connection* end_ = connections_.data();
  std::int64_t since_ns_ = 0;  // the first of them
  Clock* clock_ = nullptr;     // null: holds nothing
};

thread_local HeldSends held;

bool IsSmall(const msghdr& message) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) bytes += message.msg_iov[i].iov_len;
  return bytes <= kHeldBytesMax;
}

}  // namespace

void HoldSends(bool hold, Clock& clock) { wanted = hold ? &clock : nullptr; }

}  // namespace smelt

extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  smelt::held.BeginSend();
  if (smelt::Answering::Take() && smelt::IsSmall(*message) && smelt::held.Hold(fd)) flags |= MSG_MORE;
  return ::syscall(SYS_sendmsg, fd, message, flags);
}

extern "C" int epoll_wait(int epoll, epoll_event* events, int events_max, int timeout) {
  constexpr std::size_t kSignalSetBytes = 8;  // of the kernel's sigset_t
  smelt::held.BeginPoll();
  return static_cast<int>(::syscall(SYS_epoll_pwait, epoll, events, events_max, timeout, nullptr, kSignalSetBytes));
}
