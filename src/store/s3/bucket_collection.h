#ifndef SMELT_STORE_S3_BUCKET_COLLECTION_H_
#define SMELT_STORE_S3_BUCKET_COLLECTION_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/s3/object_store.h"

namespace smelt {

struct BucketCollectionOptions {
  std::int64_t max_age_seconds = 30 * 86400;  // since the last use
  std::optional<std::int64_t> max_bytes;      // of packs and blobs together
  bool dry_run = false;

  // As all BucketStores of this bucket have it: younger uses may not have been published.
  std::int64_t touch_after_seconds = 12 * 3600;

  std::int64_t lease_seconds = 3 * 3600;    // how long what was found stays
  std::int64_t grace_seconds = 24 * 3600;   // between condemning and deleting
  std::int64_t orphan_seconds = 3 * 86400;  // how long what no index names stays
  std::size_t merge_from = 64;              // old indexes are merged when there are so many of them

  std::int64_t index_bytes_max = std::int64_t{2}
                                 << 30;  // of memory, for what the indexes say of packs: some 250 for each
};

struct BucketCollectionReport {
  std::int64_t objects_before = 0, bytes_before = 0;  // packs and blobs that indexes name, and orphans
  std::int64_t condemned = 0, condemned_bytes = 0;    // by this run
  std::int64_t waiting = 0, waiting_bytes = 0;        // condemned earlier, not yet to be deleted
  std::int64_t deleted = 0, deleted_bytes = 0;        // orphans too
  std::int64_t orphans = 0;                           // of them
  std::int64_t indexes_before = 0, indexes_after = 0;
  std::int64_t damaged_indexes = 0;  // could not be read: then no orphan is deleted
};

// Collects the bucket of BucketStores: condemns packs that were not used for long, or the oldest while there is too
// much, deletes those that a run has condemned a day ago and nobody has used since, deletes what no index names, and
// merges old indexes. docs/adr/0006-bucket-of-packs.md says why that loses nothing. Safe during builds, by several at
// once, and when it dies anywhere. Run it each day: one run alone deletes only orphans.
//
// INVALID_ARGUMENT if max_age is less than touch_after and lease together: what is in use could not be told from what
// is not. RESOURCE_EXHAUSTED if the indexes name more packs than memory may be taken for: a collection that knew some
// of them would condemn what is used and delete what is named, so it does nothing. Memory: that, and one index of those
// that it merges.
absl::StatusOr<BucketCollectionReport> CollectBucket(ObjectStore& objects, Clock& clock,
                                                     const BucketCollectionOptions& options);

}  // namespace smelt

#endif  // SMELT_STORE_S3_BUCKET_COLLECTION_H_
