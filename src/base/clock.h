#ifndef SMELT_BASE_CLOCK_H_
#define SMELT_BASE_CLOCK_H_

#include <cstdint>

namespace smelt {

// The time, as an interface, so that tests own it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall time: nanoseconds since 1970, from the coarse clock that file systems stamp files with: a file changed after
  // this call has st_mtim and st_ctim not earlier than its result. They may lie some milliseconds after a later call's
  // result too: kernels from 6.13 on refine the stamps of files that somebody looks at.
  virtual std::int64_t NowNanos() = 0;

  // How long ago `then_ns` was, which NowNanos has said: for ever if the clock has been set back behind it, so that
  // nobody waits for the same time to come again.
  std::int64_t NanosSince(std::int64_t then_ns) {
    const std::int64_t passed = NowNanos() - then_ns;
    return passed < 0 ? INT64_MAX : passed;
  }

  // The real one; lives for ever.
  static Clock& System();

  // Wall time as it was when this was first asked for, and what has passed since, a machine's sleep included: steps of
  // the wall clock do not move it. For leases and whatever else lasts. Lives for ever.
  static Clock& Steady();
};

}  // namespace smelt

#endif  // SMELT_BASE_CLOCK_H_
