#include "src/base/file_system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "fmt/format.h"
#include "src/base/errno_status.h"
#include "src/base/open_writers.h"
#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::size_t kCopyBytes = 256 << 10;       // one read and write
constexpr std::size_t kKernelCopyBytes = 1U << 30;  // one copy_file_range

absl::Status PathError(int error, std::string_view call, const std::string& path) {
  return ErrnoStatus(error, fmt::format("{} {}", call, path));
}

absl::Status PathsError(int error, std::string_view call, const std::string& from, const std::string& to) {
  return ErrnoStatus(error, fmt::format("{} {} to {}", call, from, to));
}

template <typename Call>
auto Retrying(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

UniqueFd OpenFd(const std::string& path, int flags, mode_t mode = 0) {
  return UniqueFd(Retrying([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); }));
}

FileStat FromSystem(const struct stat& st) {
  FileStat result;
  if (S_ISREG(st.st_mode)) result.type = FileStat::Type::kRegular;
  if (S_ISDIR(st.st_mode)) result.type = FileStat::Type::kDirectory;
  result.size = st.st_size;
  result.mtime_ns = st.st_mtim.tv_sec * 1'000'000'000LL + st.st_mtim.tv_nsec;
  result.ctime_ns = st.st_ctim.tv_sec * 1'000'000'000LL + st.st_ctim.tv_nsec;
  result.inode = st.st_ino;
  result.device = st.st_dev;
  result.links = static_cast<std::uint32_t>(st.st_nlink);
  result.mode = st.st_mode & 07777;
  return result;
}

// Returns errno, or 0.
int WriteAll(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = Retrying([&] { return ::write(fd, data, size); });
    if (written < 0) return errno;
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return 0;
}

int CopyByReading(int from, int to) {
  const auto buffer = std::make_unique<char[]>(kCopyBytes);
  for (;;) {
    const ssize_t got = Retrying([&] { return ::read(from, buffer.get(), kCopyBytes); });
    if (got < 0) return errno;
    if (got == 0) return 0;
    if (const int error = WriteAll(to, buffer.get(), static_cast<std::size_t>(got))) return error;
  }
}

bool CannotCopyInKernel(int error) {
  return error == EXDEV || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == EPERM;
}

// Both descriptors at offset 0. Whatever the kernel has copied before it declines is kept: the offsets have moved.
int CopyContents(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return 0;
  bool copied_any = false;
  for (;;) {
    const ssize_t copied = Retrying([&] { return ::copy_file_range(from, nullptr, to, nullptr, kKernelCopyBytes, 0); });
    if (copied < 0) return CannotCopyInKernel(errno) ? CopyByReading(from, to) : errno;
    // Some file systems (procfs and its like) answer 0 at once for files that do have contents.
    if (copied == 0) return copied_any ? 0 : CopyByReading(from, to);
    copied_any = true;
  }
}

class SystemFileSystem : public FileSystem {
 public:
  absl::StatusOr<FileStat> Stat(const std::string& path) override {
    struct stat st;
    if (Retrying([&] { return ::stat(path.c_str(), &st); }) != 0) return PathError(errno, "stat", path);
    return FromSystem(st);
  }

  absl::StatusOr<UniqueFd> OpenForRead(const std::string& path) override {
    UniqueFd fd = OpenFd(path, O_RDONLY);
    if (!fd.valid()) return PathError(errno, "open", path);
    return fd;
  }

  absl::StatusOr<std::string> ReadFile(const std::string& path) override {
    ASSIGN_OR_RETURN(const UniqueFd fd, OpenForRead(path));
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) return PathError(errno, "stat", path);
    // The size is a hint: files in /proc have none, and some there give only what the first read asks for; others may
    // grow.
    std::string bytes(std::max<std::size_t>(static_cast<std::size_t>(st.st_size) + 1, 4096), '\0');
    std::size_t used = 0;
    for (;;) {
      const ssize_t got = Retrying([&] { return ::read(fd.get(), bytes.data() + used, bytes.size() - used); });
      if (got < 0) return PathError(errno, "read", path);
      if (got == 0) break;
      used += static_cast<std::size_t>(got);
      if (used == bytes.size()) bytes.resize(2 * used);
    }
    bytes.resize(used);
    return bytes;
  }

  absl::Status WriteNewFile(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
    return FillNewFile(path, mode, [bytes](int fd) { return WriteAll(fd, bytes.data(), bytes.size()); });
  }

  absl::Status CopyToNewFile(const std::string& from, const std::string& to, std::uint32_t mode) override {
    ASSIGN_OR_RETURN(const UniqueFd source, OpenForRead(from));
    return FillNewFile(to, mode, [&source](int fd) { return CopyContents(source.get(), fd); });
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return PathsError(errno, "link", from, to);
    }
    return absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return PathsError(errno, "rename", from, to);
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) return PathError(errno, "remove", path);
    return absl::OkStatus();
  }

  absl::Status SetMode(const std::string& path, std::uint32_t mode) override {
    if (::chmod(path.c_str(), mode) != 0) return PathError(errno, "chmod", path);
    return absl::OkStatus();
  }

  absl::Status Touch(const std::string& path) override {
    if (::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) != 0) return PathError(errno, "set the time of", path);
    return absl::OkStatus();
  }

  absl::Status MakeDirectories(const std::string& path, std::uint32_t mode) override {
    if (::mkdir(path.c_str(), mode) == 0) return absl::OkStatus();
    const int error = errno;
    if (error == EEXIST) {
      struct stat st;
      if (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return absl::OkStatus();
      return PathError(EEXIST, "make directory", path);
    }
    const std::size_t slash = path.find_last_of('/');
    if (error != ENOENT || slash == std::string::npos || slash == 0) return PathError(error, "make directory", path);
    RETURN_IF_ERROR(MakeDirectories(path.substr(0, slash), mode));
    // Somebody else may have made it meanwhile, and "a/b/" has been made as "a/b".
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return PathError(errno, "make directory", path);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
    if (directory == nullptr) return PathError(errno, "list", path);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      const std::string_view name(entry->d_name);
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return PathError(errno, "list", path);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::StatusOr<std::int64_t> FreeBytes(const std::string& path) override {
    struct statvfs st;
    if (Retrying([&] { return ::statvfs(path.c_str(), &st); }) != 0) return PathError(errno, "statvfs", path);
    return static_cast<std::int64_t>(st.f_bavail) * static_cast<std::int64_t>(st.f_frsize);
  }

 private:
  // `fill` returns errno or 0. On any failure the file that was made is gone again.
  template <typename Fill>
  absl::Status FillNewFile(const std::string& path, std::uint32_t mode, Fill fill) {
    UniqueFd fd = OpenFd(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!fd.valid()) return PathError(errno, "create", path);
    int error = fill(fd.get());
    if (error == 0 && ::fchmod(fd.get(), mode) != 0) error = errno;
    // Quotas and network file systems may report a failed write only here.
    if (::close(fd.Release()) != 0 && error == 0 && errno != EINTR) error = errno;
    if (error == 0 && IsExecutable(mode)) AwaitNoWriter(path);
    if (error == 0) return absl::OkStatus();
    ::unlink(path.c_str());
    return PathError(error, "write", path);
  }
};

}  // namespace

FileSystem& FileSystem::System() {
  static SystemFileSystem* const files = new SystemFileSystem;
  return *files;
}

}  // namespace smelt
