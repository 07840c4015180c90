#include "src/base/clock.h"

#include <time.h>

namespace smelt {
namespace {

std::int64_t Read(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

class SystemClock : public Clock {
 public:
  std::int64_t NowNanos() override { return Read(CLOCK_REALTIME_COARSE); }
};

class SteadyClock : public Clock {
 public:
  std::int64_t NowNanos() override { return ahead_ns_ + Read(CLOCK_BOOTTIME); }

 private:
  const std::int64_t ahead_ns_ = Read(CLOCK_REALTIME) - Read(CLOCK_BOOTTIME);
};

}  // namespace

Clock& Clock::System() {
  static SystemClock* const clock = new SystemClock;
  return *clock;
}

Clock& Clock::Steady() {
  static SteadyClock* const clock = new SteadyClock;
  return *clock;
}

}  // namespace smelt
