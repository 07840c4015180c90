#ifndef SMELT_STORE_DATABASE_ROCKSDB_STATUS_H_
#define SMELT_STORE_DATABASE_ROCKSDB_STATUS_H_

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace smelt {

inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// What RocksDB said of the database in `directory`: RESOURCE_EXHAUSTED for a full disk, PERMISSION_DENIED, DATA_LOSS
// for corruption, else INTERNAL.
absl::Status ToStatus(const rocksdb::Status& status, const std::string& directory);

// Bytes that were written are not there any more, or are others.
bool MeansCorrupt(const rocksdb::Status& status);

// Said by opening: there is no use in trying again.
bool MeansBroken(const rocksdb::Status& status);

}  // namespace smelt

#endif  // SMELT_STORE_DATABASE_ROCKSDB_STATUS_H_
