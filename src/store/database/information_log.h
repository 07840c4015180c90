#ifndef SMELT_STORE_DATABASE_INFORMATION_LOG_H_
#define SMELT_STORE_DATABASE_INFORMATION_LOG_H_

#include <rocksdb/env.h>

#include <cstdarg>

namespace smelt {

// RocksDB's warnings and errors, for the log of this process: one in a second at most. A log file of RocksDB's own
// would lie on the disk that may be full, and Debian's library, which is built with assertions, ends the process when
// it is to write to that file once more after it could not. Thread-safe.
class InformationLog : public rocksdb::Logger {
 public:
  InformationLog() : rocksdb::Logger(rocksdb::WARN_LEVEL) {}

  using rocksdb::Logger::Logv;
  void LogHeader(const char* format, va_list arguments) override {}
  void Logv(const char* format, va_list arguments) override;
};

}  // namespace smelt

#endif  // SMELT_STORE_DATABASE_INFORMATION_LOG_H_
