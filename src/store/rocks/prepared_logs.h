#ifndef SMELT_STORE_ROCKS_PREPARED_LOGS_H_
#define SMELT_STORE_ROCKS_PREPARED_LOGS_H_

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>

namespace smelt {

// RocksDB's files, with logs that have zeros ahead of what is written. A sync of bytes that take the place of others
// writes them and nothing else; one of bytes that make a file longer waits for the file system's journal as well, and
// with it for whatever else was written on that disk.
//
// After a kill a log ends in zeros, which RocksDB skips when it reads it; one that is closed ends where it should. A
// disk that has no room for zeros gets none. Thread-safe as its target is.
class PreparedLogFileSystem : public rocksdb::FileSystemWrapper {
 public:
  // So many bytes are made at once: as many as are written already, between these.
  static constexpr std::uint64_t kAheadBytesMin = 64 << 10, kAheadBytesMax = 1 << 20;

  explicit PreparedLogFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target)
      : rocksdb::FileSystemWrapper(target) {}

  const char* Name() const override { return "PreparedLogs"; }

  // Of the files that are written the logs are those whose name ends in ".log".
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_PREPARED_LOGS_H_
