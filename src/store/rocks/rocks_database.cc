#include "src/store/rocks/rocks_database.h"

#include "src/base/status_macros.h"
#include "src/store/rocks/rocks_options.h"

namespace smelt {

absl::StatusOr<std::unique_ptr<RocksDatabase>> RocksDatabase::Open(const std::string& directory, FileSystem& files,
                                                                   Clock& clock) {
  std::unique_ptr<RocksDatabase> database(new RocksDatabase(directory, RocksSetup(), files, clock));
  RETURN_IF_ERROR(database->StoreDatabase::Open());
  return database;
}

}  // namespace smelt
