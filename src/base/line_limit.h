#ifndef SMELT_BASE_LINE_LIMIT_H_
#define SMELT_BASE_LINE_LIMIT_H_

#include <cstdint>
#include <mutex>

#include "src/base/clock.h"

namespace smelt {

// How many lines a log gets of what strangers can cause: at most so many in a period. Thread-safe.
class LineLimit {
 public:
  // `clock` outlives this.
  LineLimit(Clock& clock, std::int64_t period_ns, std::int64_t lines)
      : clock_(clock), period_ns_(period_ns), lines_(lines) {}

  // Whether this one has a line; if so, how many had none since the last that had one.
  bool MaySay(std::int64_t& unsaid);

 private:
  Clock& clock_;
  const std::int64_t period_ns_, lines_;
  std::mutex mu_;
  std::int64_t period_ = 0;  // of the last line; this and what follows: guarded by mu_
  std::int64_t said_ = 0;    // in that period
  std::int64_t unsaid_ = 0;
};

}  // namespace smelt

#endif  // SMELT_BASE_LINE_LIMIT_H_
