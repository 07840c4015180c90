#ifndef SMELT_BASE_FILE_SYSTEM_H_
#define SMELT_BASE_FILE_SYSTEM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/unique_fd.h"

namespace smelt {

// What stat says, as far as we use it.
struct FileStat {
  enum class Type { kRegular, kDirectory, kOther };
  Type type = Type::kOther;
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;
  std::uint32_t links = 0;
  std::uint32_t mode = 0;  // permission bits

  friend bool operator==(const FileStat&, const FileStat&) = default;
};

// The disk, as far as we use it: an interface, so that tests can fail any call (src/testing: FaultyFileSystem). Paths
// are absolute. Errors carry the path and the errno's canonical code: NOT_FOUND for ENOENT and ENOTDIR,
// RESOURCE_EXHAUSTED for ENOSPC and EDQUOT, PERMISSION_DENIED for EACCES, EPERM and EROFS, UNIMPLEMENTED for EXDEV.
// Thread-safe; blocks.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<FileStat> Stat(const std::string& path) = 0;  // follows symbolic links
  virtual absl::StatusOr<UniqueFd> OpenForRead(const std::string& path) = 0;
  virtual absl::StatusOr<std::string> ReadFile(const std::string& path) = 0;

  // Makes a new file with these bytes and mode; ALREADY_EXISTS if the name is taken. One that is executable can be run
  // when this returns (AwaitNoWriter).
  virtual absl::Status WriteNewFile(const std::string& path, std::string_view bytes, std::uint32_t mode) = 0;

  // Makes a new file `to` with the contents of `from`: by reflink, else by copying in the kernel, else by reading.
  virtual absl::Status CopyToNewFile(const std::string& from, const std::string& to, std::uint32_t mode) = 0;

  // A hard link; of what `from` points to, if that is a symbolic link. ALREADY_EXISTS if the name is taken.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;

  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual absl::Status Remove(const std::string& path) = 0;                         // a file; OK if absent
  virtual absl::Status SetMode(const std::string& path, std::uint32_t mode) = 0;
  virtual absl::Status Touch(const std::string& path) = 0;  // access and modification time are the kernel's now
  virtual absl::Status MakeDirectories(const std::string& path, std::uint32_t mode) = 0;

  // Names in a directory, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;

  // Bytes that a user may still write there.
  virtual absl::StatusOr<std::int64_t> FreeBytes(const std::string& path) = 0;

  // The real one; lives for ever.
  static FileSystem& System();
};

}  // namespace smelt

#endif  // SMELT_BASE_FILE_SYSTEM_H_
