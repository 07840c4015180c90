#include "src/store/rocks/prepared_logs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "src/base/unique_fd.h"

namespace smelt {
namespace {

using rocksdb::DataVerificationInfo;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr char kZeros[64 << 10] = {};

// The target writes on from where it is, whatever lies there; a descriptor of our own makes what lies ahead of it.
class PreparedLog : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  PreparedLog(std::unique_ptr<rocksdb::FSWritableFile> target, UniqueFd fd)
      : FSWritableFileOwnerWrapper(std::move(target)), fd_(std::move(fd)) {}

  ~PreparedLog() override { EndWhereItShould(); }

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return Prepared(FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    return Prepared(FSWritableFileOwnerWrapper::Append(data, options, verification, debug));
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    EndWhereItShould();
    return FSWritableFileOwnerWrapper::Close(options, debug);
  }

 private:
  std::uint64_t written() { return FSWritableFileOwnerWrapper::GetFileSize(IOOptions(), nullptr); }

  // Afterwards, so that zeros never take the room of what is written.
  IOStatus Prepared(IOStatus appended) {
    const std::uint64_t end = written();
    if (end <= prepared_ || !fd_.valid()) return appended;
    const std::uint64_t ahead =
        std::clamp(end, PreparedLogFileSystem::kAheadBytesMin, PreparedLogFileSystem::kAheadBytesMax);
    prepared_ = end;
    while (prepared_ < end + ahead) {
      const ssize_t n = ::pwrite(fd_.get(), kZeros, sizeof(kZeros), static_cast<off_t>(prepared_));
      if (n <= 0) break;
      prepared_ += static_cast<std::uint64_t>(n);
    }
    return appended;
  }

  // Left as it is, it ends in zeros, which are skipped.
  void EndWhereItShould() {
    const UniqueFd fd = std::move(fd_);
    if (fd.valid() && ::ftruncate(fd.get(), static_cast<off_t>(written())) != 0) return;
  }

  UniqueFd fd_;
  std::uint64_t prepared_ = 0;
};

}  // namespace

IOStatus PreparedLogFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(path, options, file, debug);
  if (!status.ok() || !path.ends_with(".log")) return status;
  *file = std::make_unique<PreparedLog>(std::move(*file), UniqueFd(::open(path.c_str(), O_WRONLY | O_CLOEXEC)));
  return status;
}

}  // namespace smelt
