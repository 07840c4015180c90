#include "src/base/clock.h"

#include <time.h>

namespace smelt {
namespace {

class SystemClock : public Clock {
 public:
  std::int64_t NowNanos() override {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
  }
};

}  // namespace

Clock& Clock::System() {
  static SystemClock* const clock = new SystemClock;
  return *clock;
}

}  // namespace smelt
