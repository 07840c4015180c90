#ifndef SMELT_STORE_S3_INDEX_READER_H_
#define SMELT_STORE_S3_INDEX_READER_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/s3/bucket_index.h"
#include "src/store/s3/bucket_log.h"
#include "src/store/s3/object_store.h"

namespace smelt {

// Brings the indexes of a bucket into memory: at first all of them, then what has come since. Thread-safe; one
// refreshes, the others wait for it.
class IndexReader {
 public:
  // Writers' clocks may differ, and an index may become visible some time after it was named: so far back each refresh
  // looks again, and kFullSeconds is when it looks at all names again.
  static constexpr std::int64_t kOverlapSeconds = 900;
  static constexpr std::int64_t kFullSeconds = 3600;

  // All four outlive this.
  IndexReader(ObjectStore& objects, BucketIndex& index, Clock& clock, BucketLog& log)
      : objects_(objects), index_(index), clock_(clock), log_(log) {}

  // Loads what is new, unless that was done less than `max_age_ms` ago. A failure of the first load is an error; of a
  // later one too, but what is in memory stays.
  absl::Status Refresh(std::int64_t max_age_ms);

  // Whether what is in memory may be answered from: it has been loaded, and is not older than kStaleSeconds.
  static constexpr std::int64_t kStaleSeconds = 6 * 3600;
  bool IsUsable() const { return loaded_ns_ != 0 && clock_.NowNanos() - loaded_ns_ < kStaleSeconds * 1'000'000'000; }

  // All indexes, as they are now, by their keys. NOT_FOUND ones (merged meanwhile) are left out.
  absl::StatusOr<std::vector<std::string>> AllKeys();

  // One of them. Reads it some times more when it comes damaged, and then tells the log.
  absl::StatusOr<bucket::v1::Index> Load(const std::string& key);

  std::int64_t damaged() const { return damaged_; }  // indexes that came damaged, each time

 private:
  absl::StatusOr<bucket::v1::Index> Read(const std::string& key);
  absl::StatusOr<std::vector<std::string>> NewKeys(std::int64_t now_ns);
  absl::Status LoadAll(const std::vector<std::string>& keys);

  ObjectStore& objects_;
  BucketIndex& index_;
  Clock& clock_;
  BucketLog& log_;
  std::atomic<std::int64_t> damaged_{0};
  std::atomic<std::int64_t> loaded_ns_{0};  // the last refresh that succeeded
  std::mutex large_mu_;                     // held by who has a large index in memory, or unpacks one
  std::mutex mu_;
  std::set<std::string> loaded_;        // this and what follows: guarded by mu_
  std::set<std::string> damaged_keys_;  // not to be read again before all names are looked at
  std::int64_t looked_at_all_ns_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_INDEX_READER_H_
