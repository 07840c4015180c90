#include "src/store/local/spread_directories.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "src/base/unique_fd.h"

namespace smelt {

void SpreadChildren(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int flags = 0;
  if (!fd.valid() || ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) != 0) return;
  flags |= FS_TOPDIR_FL;
  ::ioctl(fd.get(), FS_IOC_SETFLAGS, &flags);
}

}  // namespace smelt
