#ifndef SMELT_CMD_SERVER_BUCKET_H_
#define SMELT_CMD_SERVER_BUCKET_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/metrics/metrics.h"
#include "src/services/zstd/packed_reads.h"
#include "src/services/zstd/zstd_forms.h"
#include "src/store/puts_behind.h"
#include "src/store/read_through.h"
#include "src/store/rocks/rocks_store.h"
#include "src/store/s3/bucket_collection.h"
#include "src/store/s3/bucket_store.h"
#include "src/store/s3/outbox_uploader.h"
#include "src/store/s3/s3_object_store.h"
#include "src/store/s3/s3_options.h"

namespace smelt {

// The bucket behind a server's store: what the store takes is brought there in the background, and what the store does
// not have is fetched from there. Several servers may share one bucket.
class ServerBucket {
 public:
  // `store` keeps an outbox (RocksStoreOptions::outbox); all of them outlive this. What is compressed for the bucket is
  // kept in `forms`, too. INVALID_ARGUMENT for options that cannot work. The bucket is asked in the background.
  static absl::StatusOr<std::unique_ptr<ServerBucket>> Open(S3Options options, RocksStore& store, ZstdForms& forms,
                                                            Clock& clock);

  // The store with the bucket behind it.
  BlobStore& blobs() { return blobs_; }
  PackedReads& packed() { return packed_; }
  ActionCaches& actions() { return actions_; }

  // Waits until all that the store holds is in the bucket.
  absl::Status Drain() { return uploader_.Drain(); }

  absl::StatusOr<BucketCollectionReport> Collect(bool dry_run);

  // What the bucket was asked, and what is known of it; zeros where there is no bucket.
  static void AddSamples(ServerBucket* bucket, std::vector<Sample>& samples);

 private:
  ServerBucket(std::unique_ptr<S3ObjectStore> objects, BucketStoreOptions options, RocksStore& store, ZstdForms& forms,
               Clock& clock);

  Clock& clock_;
  const std::int64_t index_bytes_max_;
  std::unique_ptr<S3ObjectStore> objects_;
  BucketStore bucket_;
  PutsBehind fetched_;
  ReadThroughBlobStore blobs_;
  ReadThroughActionCaches actions_;
  PackedReads packed_;
  OutboxUploader uploader_;
};

}  // namespace smelt

#endif  // SMELT_CMD_SERVER_BUCKET_H_
