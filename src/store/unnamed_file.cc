#include "src/store/unnamed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fmt/format.h"
#include "src/base/errno_status.h"

namespace smelt {
namespace {

constexpr std::int64_t kWriteBehindBytes = 8 << 20;

}  // namespace

absl::StatusOr<UnnamedFile> UnnamedFile::Open(const std::string& directory) {
  UniqueFd file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.valid()) return UnnamedFile(std::move(file));
  if (errno != EOPNOTSUPP && errno != EISDIR) return ErrnoStatus(errno, "open an unnamed file in " + directory);
  std::string name = directory + "/.smelt-XXXXXX";
  file.Reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.valid()) return ErrnoStatus(errno, "open " + name);
  ::unlink(name.c_str());
  return UnnamedFile(std::move(file));
}

absl::Status UnnamedFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus(errno, "write of an unnamed file");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    size_ += written;
  }
  if (size_ - begun_ >= kWriteBehindBytes) {
    ::sync_file_range(fd_.get(), begun_, size_ - begun_, SYNC_FILE_RANGE_WRITE);
    begun_ = size_;
  }
  return absl::OkStatus();
}

bool IsUnnamed(const Bytes& bytes, std::uint64_t device) {
  struct stat st;
  if (bytes.fd() < 0 || ::fstat(bytes.fd(), &st) != 0 || st.st_nlink != 0 || st.st_dev != device) return false;
  return (::fcntl(bytes.fd(), F_GETFL) & O_TMPFILE) == O_TMPFILE;
}

absl::Status NameFile(const Bytes& bytes, const std::string& path, std::uint32_t mode, FileSystem& files) {
  if (::fchmod(bytes.fd(), mode) != 0) return ErrnoStatus(errno, "chmod of a staged file");
  return files.Link(fmt::format("/proc/self/fd/{}", bytes.fd()), path);
}

}  // namespace smelt
