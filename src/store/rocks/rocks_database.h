#ifndef SMELT_STORE_ROCKS_ROCKS_DATABASE_H_
#define SMELT_STORE_ROCKS_ROCKS_DATABASE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/store/database/store_database.h"

namespace smelt {

// The database of the server's store.
class RocksDatabase : public StoreDatabase {
 public:
  enum Family : StoreDatabase::Family {
    kMeta,        // facts about the store itself
    kBlobRows,    // a Row a blob, by digest
    kTreeBlobs,   // bytes of small blobs, by digest
    kBlobDb,      // bytes of middling blobs, in blob files, by digest
    kActionRows,  // a Row a result, by ActionKey
    kActions,     // sealed results, by ActionKey
    kOutbox,      // OutboxRows by sequence
  };

  // PERMISSION_DENIED where it cannot be written, RESOURCE_EXHAUSTED where the disk is full.
  static absl::StatusOr<std::unique_ptr<RocksDatabase>> Open(const std::string& directory, FileSystem& files,
                                                             Clock& clock);

 private:
  using StoreDatabase::StoreDatabase;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_ROCKS_DATABASE_H_
