#include "src/base/line_limit.h"

#include <utility>

namespace smelt {

bool LineLimit::MaySay(std::int64_t& unsaid) {
  const std::int64_t period = clock_.NowNanos() / period_ns_;
  const std::lock_guard lock(mu_);
  if (std::exchange(period_, period) != period) said_ = 0;
  if (said_ == lines_) {
    ++unsaid_;
    return false;
  }
  ++said_;
  unsaid = std::exchange(unsaid_, 0);
  return true;
}

}  // namespace smelt
