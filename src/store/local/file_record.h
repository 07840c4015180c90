#ifndef SMELT_STORE_LOCAL_FILE_RECORD_H_
#define SMELT_STORE_LOCAL_FILE_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "src/base/file_system.h"

namespace smelt {

// What a blob's file looked like when it was last known to hold the blob.
struct FileRecord {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  std::uint64_t inode = 0;
  std::uint64_t boot = 0;  // the boot it was digested in; see LocalStore
  // Somebody else may have had the file open for writing while it was digested, and its mtime is so close to that
  // moment that a change in the same tick of the clock would not show.
  bool racy = false;

  friend bool operator==(const FileRecord&, const FileRecord&) = default;
};

FileRecord RecordOf(const FileStat& stat, std::uint64_t boot, bool racy);

// Whether the file may be used; if not, it is to be digested first. Nobody else has a reason to touch a blob's file, so
// that a new ctime alone is suspicious.
bool IsAsRecorded(const FileRecord& record, const FileStat& stat, std::uint64_t boot);

std::string Encode(const FileRecord& record);

// Nothing if `bytes` are not a record, or one of an earlier version: it is then as if there were none, and the file is
// digested again.
std::optional<FileRecord> DecodeFileRecord(std::string_view bytes);

// When a blob was last used, in seconds since 1970.
std::string EncodeUse(std::int64_t seconds);

// 0 if `bytes` are no such time.
std::int64_t DecodeUse(std::string_view bytes);

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_FILE_RECORD_H_
