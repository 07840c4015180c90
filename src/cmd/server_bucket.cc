#include "src/cmd/server_bucket.h"

#include <cstdint>
#include <string>
#include <utility>

#include "src/base/status_macros.h"

namespace smelt {
namespace {

constexpr std::int64_t kFetchedBytesWaitingMax = 64 << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<ServerBucket>> ServerBucket::Open(S3Options options, RocksStore& store, ZstdForms& forms,
                                                                 Clock& clock) {
  if (options.staging_directory.empty()) options.staging_directory = store.staging_directory();
  BucketStoreOptions bucket_options;
  bucket_options.staging_directory = options.staging_directory;
  bucket_options.index_bytes_max = options.index_bytes_max;
  bucket_options.on_packed = [&forms](const Digest& blob, const Bytes& frames) { forms.Keep(blob, frames); };
  ASSIGN_OR_RETURN(std::unique_ptr<S3ObjectStore> objects, S3ObjectStore::Open(std::move(options), clock));
  return std::unique_ptr<ServerBucket>(
      new ServerBucket(std::move(objects), std::move(bucket_options), store, forms, clock));
}

ServerBucket::ServerBucket(std::unique_ptr<S3ObjectStore> objects, BucketStoreOptions options, RocksStore& store,
                           ZstdForms& forms, Clock& clock)
    : clock_(clock),
      index_bytes_max_(options.index_bytes_max),
      objects_(std::move(objects)),
      bucket_(std::move(options), *objects_, clock),
      fetched_(store.fetched_blobs(), kFetchedBytesWaitingMax),
      blobs_(store.blobs(), fetched_, bucket_),
      actions_(store.actions(), store.fetched_actions(), bucket_),
      packed_(store.fetched_blobs(), bucket_, blobs_, forms, {.directory = store.staging_directory()}),
      uploader_({}, *store.outbox(), store.blobs(), store.actions(), bucket_) {}

absl::StatusOr<BucketCollectionReport> ServerBucket::Collect(bool dry_run) {
  BucketCollectionOptions options;
  options.dry_run = dry_run;
  options.index_bytes_max = index_bytes_max_;
  return CollectBucket(*objects_, clock_, options);
}

void ServerBucket::AddSamples(ServerBucket* bucket, std::vector<Sample>& samples) {
  static const S3Counters kNothing;
  const S3Counters& counters = bucket ? bucket->objects_->counters() : kNothing;
  const BucketStore::Statistics known = bucket ? bucket->bucket_.GetStatistics() : BucketStore::Statistics();
  const bool failing = bucket && !bucket->uploader_.GetStatistics().failing.ok();
  for (std::size_t i = 0; i < kS3OperationNames.size(); ++i) {
    const S3Counters::OfOperation& of = counters.operations[i];
    const std::pair<const char*, std::int64_t> kValues[] = {{"smelt_s3_requests_total", of.requests},
                                                            {"smelt_s3_retries_total", of.retries},
                                                            {"smelt_s3_failures_total", of.failures},
                                                            {"smelt_s3_sent_bytes_total", of.bytes_sent},
                                                            {"smelt_s3_received_bytes_total", of.bytes_received}};
    for (const auto& [name, value] : kValues) {
      samples.push_back({name, {{"operation", std::string(kS3OperationNames[i])}}, static_cast<double>(value)});
    }
  }
  samples.push_back({"smelt_s3_breaker_open", {}, counters.breaker_open ? 1.0 : 0.0});
  samples.push_back({"smelt_s3_failing", {}, failing ? 1.0 : 0.0});
  samples.push_back({"smelt_s3_payloads", {}, static_cast<double>(known.payloads)});
  samples.push_back({"smelt_s3_corrupt_total", {}, static_cast<double>(known.corrupt)});
  samples.push_back({"smelt_s3_damaged_indexes_total", {}, static_cast<double>(known.damaged_indexes)});
  samples.push_back({"smelt_s3_index_reading", {}, bucket && !known.is_complete ? 1.0 : 0.0});
  samples.push_back({"smelt_s3_index_bytes", {}, static_cast<double>(known.index_bytes)});
  samples.push_back({"smelt_s3_index_limit_bytes", {}, bucket ? static_cast<double>(bucket->index_bytes_max_) : 0});
  samples.push_back({"smelt_s3_left_out_total", {}, static_cast<double>(known.left_out)});
}

}  // namespace smelt
