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

  // The real one; lives for ever.
  static Clock& System();
};

}  // namespace smelt

#endif  // SMELT_BASE_CLOCK_H_
