#ifndef SMELT_STORE_LOCAL_COLLECTOR_H_
#define SMELT_STORE_LOCAL_COLLECTOR_H_

#include <cstdint>
#include <mutex>

#include "absl/status/statusor.h"
#include "src/store/local/action_table.h"
#include "src/store/local/blob_files.h"
#include "src/store/local/blob_index.h"
#include "src/store/local/local_store.h"
#include "src/store/local/spares.h"

namespace smelt {

// Removes the spares, then what was used least recently: first the results that need it, then the blobs, each under its
// lock and only if nobody has used it since it was chosen. Thread-safe; one collection at a time.
class Collector {
 public:
  Collector(BlobIndex& index, BlobFiles& blob_files, Spares& spares, ActionTable& actions)
      : index_(index), blob_files_(blob_files), spares_(spares), actions_(actions) {}

  // Down to `target_bytes`. Unless it is a dry run, also removes files that nobody knows of.
  absl::StatusOr<CollectionReport> Collect(std::int64_t target_bytes, bool dry_run);

 private:
  BlobIndex& index_;
  BlobFiles& blob_files_;
  Spares& spares_;
  ActionTable& actions_;
  std::mutex mu_;  // held during a collection
};

}  // namespace smelt

#endif  // SMELT_STORE_LOCAL_COLLECTOR_H_
