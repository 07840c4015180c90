#include "src/store/store_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "fmt/format.h"
#include "src/base/errno_status.h"

namespace smelt {

absl::StatusOr<UniqueFd> TakeStoreDirectory(const std::string& directory, FileSystem& files) {
  const absl::Status made = files.MakeDirectories(directory, 0700);
  if (!made.ok()) return CannotUseStore(directory, made);
  const std::string path = directory + "/lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return CannotUseStore(directory, ErrnoStatus(errno, "open " + path));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return CannotUseStore(directory, ErrnoStatus(errno, "lock " + path));
  return absl::FailedPreconditionError(
      fmt::format("the store {} is in use by another process: stop it, or use another directory", directory));
}

absl::Status CannotUseStore(const std::string& directory, const absl::Status& why) {
  return absl::Status(why.code(), fmt::format("cannot use the store {} ({}): make it writable for this user, or use "
                                              "another directory",
                                              directory, std::string(why.message())));
}

}  // namespace smelt
