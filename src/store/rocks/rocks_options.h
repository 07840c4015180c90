#ifndef SMELT_STORE_ROCKS_ROCKS_OPTIONS_H_
#define SMELT_STORE_ROCKS_ROCKS_OPTIONS_H_

#include "src/store/database/store_database.h"

namespace smelt {

// How RocksDB is set up: for a server with memory to spare and many writers that wait for the disk. The families are in
// the order of RocksDatabase::Family.
StoreDatabase::Setup RocksSetup();

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_OPTIONS_H_
