#include "src/store/s3/bucket_log.h"

#include <utility>

#include "fmt/format.h"
#include "glog/logging.h"
#include "src/base/quoted.h"

namespace smelt {
namespace {

constexpr std::int64_t kNanosPerMinute = 60'000'000'000, kNanosPerHour = 60 * kNanosPerMinute;

void ToTheLog(const std::string& line) { LOG(WARNING) << line; }

}  // namespace

BucketLog::BucketLog(Clock& clock, Sink sink)
    : clock_(clock), sink_(sink ? std::move(sink) : ToTheLog), damaged_(clock, kNanosPerMinute, kLinesPerMinute) {}

void BucketLog::Damaged(std::string_view key, std::string_view why, std::string_view what_happens_now) {
  std::int64_t unsaid = 0;
  if (!damaged_.MaySay(unsaid)) return;
  if (unsaid > 0) sink_(fmt::format("{} more objects of the bucket were damaged", unsaid));
  sink_(fmt::format("the bucket's {} is damaged ({}): {}", Quoted(key), Quoted(why), what_happens_now));
}

void BucketLog::LeftOut(std::int64_t payloads, std::int64_t bytes_max) {
  const std::int64_t now_ns = clock_.NowNanos();
  {
    const std::lock_guard lock(mu_);
    if (payloads <= left_out_ || (left_out_ > 0 && now_ns - left_out_ns_ < kNanosPerHour)) return;
    left_out_ = payloads;
    left_out_ns_ = now_ns;
  }
  sink_(
      fmt::format("{} blobs and results of the bucket, not used for longest, count as missing: its index may take {} "
                  "MiB of memory (index_memory)",
                  payloads, bytes_max >> 20));
}

}  // namespace smelt
