#include "src/store/local/disk_facts.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "src/base/unique_fd.h"

namespace smelt {

DiskRoom RoomOn(const std::string& path) {
  struct statvfs st;
  if (::statvfs(path.c_str(), &st) != 0) return {};
  const auto unit = static_cast<std::int64_t>(st.f_frsize);
  return {.free_bytes = static_cast<std::int64_t>(st.f_bavail) * unit,
          .total_bytes = static_cast<std::int64_t>(st.f_blocks) * unit};
}

bool CanReflink(const std::string& from, const std::string& to) {
  const UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd copy(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!copy.valid()) return false;
  const bool can = source.valid() && ::ioctl(copy.get(), FICLONE, source.get()) == 0;
  ::unlink(to.c_str());
  return can;
}

}  // namespace smelt
