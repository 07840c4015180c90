#ifndef SMELT_STORE_UNNAMED_FILE_H_
#define SMELT_STORE_UNNAMED_FILE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/file_system.h"
#include "src/base/unique_fd.h"
#include "src/store/bytes.h"

namespace smelt {

// A file without a name (O_TMPFILE where the file system has it) that is written from its beginning to its end: it goes
// when it is closed, or gets a name where a store keeps it. What is written starts on its way to the disk every few
// MiB, so that whoever syncs it in the end waits for little. One thread at a time.
class UnnamedFile {
 public:
  UnnamedFile() = default;  // not open

  // On the file system of `directory`. Errors with their errno's canonical code, naming the directory.
  static absl::StatusOr<UnnamedFile> Open(const std::string& directory);

  bool is_open() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }

  // RESOURCE_EXHAUSTED when the disk is full.
  absl::Status Append(std::string_view bytes);

  // What Append wrote; not open any more.
  UniqueFd Release() && { return std::move(fd_); }

 private:
  explicit UnnamedFile(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
  std::int64_t size_ = 0;
  std::int64_t begun_ = 0;  // up to here it is on its way to the disk
};

// True if these bytes are such a file, on the file system `device` (as in FileStat), and can still be given a name.
bool IsUnnamed(const Bytes& bytes, std::uint64_t device);

// Gives it the name `path`, on the same file system, and `mode`. ALREADY_EXISTS if the name is taken.
absl::Status NameFile(const Bytes& bytes, const std::string& path, std::uint32_t mode, FileSystem& files);

}  // namespace smelt

#endif  // SMELT_STORE_UNNAMED_FILE_H_
