#ifndef SMELT_STORE_ROCKS_ROCKS_OPTIONS_H_
#define SMELT_STORE_ROCKS_ROCKS_OPTIONS_H_

#include <rocksdb/db.h>

#include <vector>

namespace smelt {

// How RocksDB is set up: for a server with memory to spare and many writers that wait for the disk.
rocksdb::DBOptions RocksOptions();

// In the order of RocksDatabase::Family.
std::vector<rocksdb::ColumnFamilyDescriptor> RocksFamilies();

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_OPTIONS_H_
