#include "src/store/local/deferred_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "src/base/unique_fd.h"

namespace smelt {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class DeferredSyncFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  DeferredSyncFile(std::unique_ptr<rocksdb::FSWritableFile> target, DeferredSyncFileSystem& files, std::string path)
      : FSWritableFileOwnerWrapper(std::move(target)), files_(files), path_(std::move(path)) {}

  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    if (files_.Defer(path_)) return IOStatus::OK();
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    if (files_.Defer(path_)) return IOStatus::OK();
    return FSWritableFileOwnerWrapper::Fsync(options, debug);
  }

 private:
  DeferredSyncFileSystem& files_;
  const std::string path_;
};

class DeferredSyncDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  DeferredSyncDirectory(std::unique_ptr<rocksdb::FSDirectory> target, DeferredSyncFileSystem& files, std::string path)
      : FSDirectoryWrapper(std::move(target)), files_(files), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    if (files_.Defer(path_)) return IOStatus::OK();
    return FSDirectoryWrapper::Fsync(options, debug);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& directory_options) override {
    if (files_.Defer(path_)) return IOStatus::OK();
    return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, directory_options);
  }

 private:
  DeferredSyncFileSystem& files_;
  const std::string path_;
};

}  // namespace

void DeferredSyncFileSystem::EndDeferral() {
  const std::lock_guard lock(mu_);
  deferring_ = false;
}

void DeferredSyncFileSystem::SyncDeferred() {
  std::set<std::string> paths;
  {
    const std::lock_guard lock(mu_);
    paths.swap(deferred_);
  }
  for (const std::string& path : paths) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.valid()) ::fsync(fd.get());
  }
}

bool DeferredSyncFileSystem::Defer(const std::string& path) {
  const std::lock_guard lock(mu_);
  if (deferring_) deferred_.insert(path);
  return deferring_;
}

IOStatus DeferredSyncFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                                 std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                 IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(path, options, file, debug);
  if (status.ok()) *file = std::make_unique<DeferredSyncFile>(std::move(*file), *this, path);
  return status;
}

IOStatus DeferredSyncFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                              std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) {
  IOStatus status = target()->NewDirectory(path, options, directory, debug);
  if (status.ok()) *directory = std::make_unique<DeferredSyncDirectory>(std::move(*directory), *this, path);
  return status;
}

IOStatus DeferredSyncFileSystem::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                            IODebugContext* debug) {
  IOStatus status = target()->RenameFile(from, to, options, debug);
  const std::lock_guard lock(mu_);
  if (status.ok() && deferred_.erase(from) > 0) deferred_.insert(to);
  return status;
}

}  // namespace smelt
