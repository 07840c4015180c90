#ifndef SMELT_TESTING_FAKE_CLOCK_H_
#define SMELT_TESTING_FAKE_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "src/base/clock.h"

namespace smelt {

// A clock that stands still until a test moves it. Starts in 2023, so that times before it exist. Thread-safe.
class FakeClock : public Clock {
 public:
  static constexpr std::int64_t kStartNanos = 1'700'000'000'000'000'000;

  explicit FakeClock(std::int64_t now_ns = kStartNanos) : now_ns_(now_ns) {}

  std::int64_t NowNanos() override { return now_ns_.load(); }

  void AdvanceNanos(std::int64_t ns) { now_ns_ += ns; }
  void AdvanceSeconds(std::int64_t seconds) { now_ns_ += seconds * 1'000'000'000; }
  void SetNanos(std::int64_t now_ns) { now_ns_ = now_ns; }

 private:
  std::atomic<std::int64_t> now_ns_;
};

}  // namespace smelt

#endif  // SMELT_TESTING_FAKE_CLOCK_H_
