#ifndef SMELT_WRAPPER_OWN_FD_H_
#define SMELT_WRAPPER_OWN_FD_H_

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "src/base/unique_fd.h"

// Descriptors of the wrapper's own, out of the way of those that cargo passes by number to the compiler (its
// jobserver).
namespace smelt::wrapper {

inline constexpr int kOwnFdMin = 500;

// `fd` under a number from kOwnFdMin on, closed in what we execute. Where so many are not allowed it keeps its number.
// An invalid one, and errno with it, is handed through.
inline UniqueFd MovedAway(UniqueFd fd) {
  if (!fd.valid()) return fd;
  int moved = fcntl(fd.get(), F_DUPFD_CLOEXEC, kOwnFdMin);
  if (moved >= 0) return UniqueFd(moved);
  fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  return fd;
}

// Both ends of a pipe, moved away.
struct OwnPipe {
  UniqueFd read;
  UniqueFd write;

  bool Open() {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0) return false;
    UniqueFd first(fds[0]), second(fds[1]);
    read = MovedAway(std::move(first));
    write = MovedAway(std::move(second));
    return true;
  }
};

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_OWN_FD_H_
