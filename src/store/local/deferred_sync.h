#ifndef SMELT_STORE_LOCAL_DEFERRED_SYNC_H_
#define SMELT_STORE_LOCAL_DEFERRED_SYNC_H_

#include <rocksdb/file_system.h>

#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace smelt {

// RocksDB's files, with the syncs of opening a database put off. Opening writes and syncs some eight small files one
// after the other, tens of milliseconds each on a busy disk, while somebody's build waits; putting them off to a moment
// later only makes the window longer in which a power cut finds the database as it was or broken.
//
// From construction until EndDeferral syncs only note what they were asked to sync; afterwards they sync. Thread-safe.
class DeferredSyncFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit DeferredSyncFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target)
      : rocksdb::FileSystemWrapper(target) {}

  const char* Name() const override { return "DeferredSync"; }

  void EndDeferral();

  // Syncs what was noted and is still there.
  void SyncDeferred();

  // True if `path` need not be synced now.
  bool Defer(const std::string& path);

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  std::mutex mu_;
  bool deferring_ = true;           // guarded by mu_
  std::set<std::string> deferred_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_DEFERRED_SYNC_H_
