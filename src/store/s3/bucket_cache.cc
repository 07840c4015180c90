#include "src/store/s3/bucket_cache.h"

#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/store/s3/bucket_store.h"
#include "src/store/s3/s3_object_store.h"

namespace smelt {
namespace {

class BucketCache : public SharedCache {
 public:
  BucketCache(std::string where, BucketStoreOptions options, std::unique_ptr<S3ObjectStore> objects, Clock& clock)
      : where_(std::move(where)),
        objects_(std::move(objects)),
        store_(std::move(options), *objects_, clock),
        actions_(store_.Of("")) {}

  BlobStore& blobs() override { return store_; }
  ActionCache& actions() override { return *actions_; }
  absl::StatusOr<Bytes> GetWith(const Digest& digest, const Insertion& insertion, const Digest& whole,
                                const std::string& directory) override {
    absl::StatusOr<Bytes> blob = store_.GetObjectWith(digest, insertion);
    if (blob.ok()) {
      const absl::StatusOr<Digest> actual = DigestOf(*blob);
      if (actual.ok() && *actual == whole) return blob;
    }
    return SharedCache::GetWith(digest, insertion, whole, directory);
  }
  absl::Status Reach() override { return store_.Refresh(); }
  absl::Status Flush() override { return store_.Flush(); }

  SharedCacheState State() override {
    SharedCacheState state;
    state.where = where_;
    for (const auto& operation : objects_->counters().operations) {
      state.requests += operation.requests;
      state.failures += operation.failures;
      state.bytes_up += operation.bytes_sent;
      state.bytes_down += operation.bytes_received;
    }
    const bool down = objects_->counters().breaker_open;
    if (down) state.problem = "the bucket does not answer";
    state.link = down                 ? SharedCacheState::Link::kDown
                 : state.requests > 0 ? SharedCacheState::Link::kUp
                                      : SharedCacheState::Link::kUntried;
    return state;
  }

 private:
  const std::string where_;
  const std::unique_ptr<S3ObjectStore> objects_;
  BucketStore store_;
  const std::shared_ptr<ActionCache> actions_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SharedCache>> OpenBucketCache(const S3Options& options,
                                                             const std::string& staging_directory, Clock& clock) {
  ASSIGN_OR_RETURN(std::unique_ptr<S3ObjectStore> objects, S3ObjectStore::Open(options, clock));
  BucketStoreOptions store;
  store.staging_directory = staging_directory;
  store.index_bytes_max = options.index_bytes_max;
  std::string where = fmt::format("s3://{}/{}{}", options.bucket, options.key_prefix,
                                  options.endpoint.empty() ? "" : " at " + options.endpoint);
  return std::make_unique<BucketCache>(std::move(where), std::move(store), std::move(objects), clock);
}

}  // namespace smelt
