#ifndef SMELT_STORE_S3_BUCKET_CACHE_H_
#define SMELT_STORE_S3_BUCKET_CACHE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/s3/s3_options.h"
#include "src/store/shared_cache.h"

namespace smelt {

// A bucket as a SharedCache, without a server: each daemon reads and writes it itself. INVALID_ARGUMENT for options
// that cannot work. `staging_directory` exists, for large blobs on their way; `clock` outlives it.
absl::StatusOr<std::unique_ptr<SharedCache>> OpenBucketCache(const S3Options& options,
                                                             const std::string& staging_directory, Clock& clock);

}  // namespace smelt

#endif  // SMELT_STORE_S3_BUCKET_CACHE_H_
