#ifndef SMELT_STORE_S3_INDEX_READER_H_
#define SMELT_STORE_S3_INDEX_READER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/clock.h"
#include "src/store/s3/bucket_index.h"
#include "src/store/s3/bucket_log.h"
#include "src/store/s3/index_objects.h"
#include "src/store/s3/object_store.h"

namespace smelt {

// Brings the indexes of a bucket into memory: at first all of them, the newest first, then what has come since. One at
// a time loads, behind those who wait for it, so that they need not wait for all of it. Thread-safe.
class IndexReader {
 public:
  // Writers' clocks may differ, and an index may become visible some time after it was named: so far back each refresh
  // looks again, and kFullSeconds is when it looks at all names again.
  static constexpr std::int64_t kOverlapSeconds = 900;
  static constexpr std::int64_t kFullSeconds = 3600;

  static constexpr std::int64_t kForEverMs = std::numeric_limits<std::int64_t>::max() / 2'000'000;

  // All four outlive this. Nothing is read before the first Refresh.
  IndexReader(ObjectStore& objects, BucketIndex& index, Clock& clock, BucketLog& log)
      : objects_(objects, log), index_(index), clock_(clock), log_(log) {}

  // What is being loaded is given up.
  ~IndexReader();

  // Loads what is new, unless that was done less than `max_age_ms` ago. A failure of the first load is an error; of a
  // later one too, but what is in memory stays. DEADLINE_EXCEEDED once something has been loading for `patience_ms`:
  // it goes on, and what has come is in memory.
  absl::Status Refresh(std::int64_t max_age_ms, std::int64_t patience_ms = kForEverMs);

  // Whether what is in memory is what the bucket holds: all of it has been loaded, not longer than kStaleSeconds ago.
  // While it is not, what is not there may be there after all, and what is there may have been condemned.
  static constexpr std::int64_t kStaleSeconds = 6 * 3600;
  bool IsComplete() const { return loaded_ns_ != 0 && clock_.NanosSince(loaded_ns_) < kStaleSeconds * 1'000'000'000; }

  std::int64_t damaged() const { return objects_.damaged(); }

 private:
  void Begin();  // mu_ is held, and nothing is loading
  absl::Status LoadNew();
  absl::StatusOr<std::vector<std::string>> NewKeys(std::int64_t now_ns);
  absl::Status LoadAll(const std::vector<std::string>& keys);

  IndexObjects objects_;
  BucketIndex& index_;
  Clock& clock_;
  BucketLog& log_;
  std::atomic<std::int64_t> loaded_ns_{0};  // the last load that succeeded began
  std::atomic<bool> ending_{false};

  std::set<std::string> loaded_;        // this and what follows: of who loads
  std::set<std::string> damaged_keys_;  // not to be read again before all names are looked at
  std::int64_t looked_at_all_ns_ = 0;

  std::mutex mu_;
  std::condition_variable ended_one_;
  std::int64_t begun_ = 0, ended_ = 0;  // loads; this and what follows: guarded by mu_
  std::int64_t began_ns_ = 0;           // the last of them
  absl::Status status_;                 // of the last that ended
  std::thread thread_;                  // that loads, or has loaded
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_INDEX_READER_H_
