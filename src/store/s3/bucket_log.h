#ifndef SMELT_STORE_S3_BUCKET_LOG_H_
#define SMELT_STORE_S3_BUCKET_LOG_H_

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "src/base/clock.h"
#include "src/base/line_limit.h"

namespace smelt {

// What the log says of a bucket. Of objects that are damaged: one line each, with its name, what was wrong and what
// happens now. Names and reasons, which strangers may have chosen, are quoted (Quoted); no line holds what was in an
// object. At most kLinesPerMinute lines a minute, and the next one says how many there were not. Thread-safe.
class BucketLog {
 public:
  using Sink = std::function<void(const std::string& line)>;

  static constexpr std::int64_t kLinesPerMinute = 20;

  // `sink` takes a line without its end; without one it goes to the program's log. `clock` lives longer than this.
  explicit BucketLog(Clock& clock, Sink sink = {});

  // An object is not what it should be, or not there: the bucket's "v1/index/1-x" is damaged ("cut"): it is left out
  void Damaged(std::string_view key, std::string_view why, std::string_view what_happens_now);

  // So many payloads are not in memory since the index may take `bytes_max` and no more: said when it begins, and once
  // an hour as long as there are more.
  void LeftOut(std::int64_t payloads, std::int64_t bytes_max);

 private:
  Clock& clock_;
  const Sink sink_;
  LineLimit damaged_;
  std::mutex mu_;
  std::int64_t left_out_ = 0;  // when that was said last; this and what follows: guarded by mu_
  std::int64_t left_out_ns_ = 0;
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_BUCKET_LOG_H_
