#ifndef SMELT_STORE_S3_INDEX_OBJECTS_H_
#define SMELT_STORE_S3_INDEX_OBJECTS_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/store/s3/bucket_format.h"
#include "src/store/s3/bucket_log.h"
#include "src/store/s3/object_store.h"

namespace smelt {

// The objects of a bucket that are its indexes. Thread-safe. Memory: one large index as it lies there, one part of one,
// and small indexes for each thread.
class IndexObjects {
 public:
  // Both outlive this.
  IndexObjects(ObjectStore& objects, BucketLog& log) : objects_(objects), log_(log) {}

  // The keys that come after `after`, in order.
  absl::StatusOr<std::vector<std::string>> Keys(const std::string& after);

  // What one of them says. Reads it some times more when it comes damaged, and then tells the log; `sink` may get the
  // same part as often.
  absl::Status Load(const std::string& key, const IndexSink& sink);

  std::int64_t damaged() const { return damaged_; }  // indexes that came damaged, each time

 private:
  absl::Status Read(const std::string& key, const IndexSink& sink);

  ObjectStore& objects_;
  BucketLog& log_;
  std::atomic<std::int64_t> damaged_{0};
  std::mutex large_mu_;  // held by who has a large index in memory, or takes one apart
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_INDEX_OBJECTS_H_
