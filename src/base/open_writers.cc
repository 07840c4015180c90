#include "src/base/open_writers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "src/base/unique_fd.h"

namespace smelt {

bool HasNoWriter(int fd) {
  // Were the lease broken in this moment, a signal would come: one that does nothing unless asked to.
  if (::fcntl(fd, F_SETSIG, SIGURG) != 0 || ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return false;
  return ::fcntl(fd, F_SETLEASE, F_UNLCK) == 0;
}

void AwaitNoWriter(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return;
  for (std::int64_t waited_ms = 0; waited_ms < kAwaitNoWriterMsMax; ++waited_ms) {
    if (HasNoWriter(fd.get()) || errno != EAGAIN) return;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace smelt
