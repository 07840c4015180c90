#ifndef SMELT_STORE_GATE_H_
#define SMELT_STORE_GATE_H_

#include <functional>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace smelt {

// Lets everybody in but while what is behind it is mended, which happens with nobody inside. Who comes when it is
// broken mends it first. Thread-safe.
class Gate {
 public:
  // `is_broken` is asked at each Enter. `mend` may fail: then it is called again at the next one.
  Gate(std::function<bool()> is_broken, std::function<void()> mend)
      : is_broken_(std::move(is_broken)), mend_(std::move(mend)) {}

  // As long as it lives, its holder is inside. A thread has one at a time.
  using Pass = std::shared_lock<std::shared_mutex>;
  [[nodiscard]] Pass Enter() {
    if (is_broken_()) Mend();
    return Pass(mu_);
  }

 private:
  void Mend() {
    const std::lock_guard nobody_inside(mu_);
    if (is_broken_()) mend_();
  }

  const std::function<bool()> is_broken_;
  const std::function<void()> mend_;
  std::shared_mutex mu_;
};

}  // namespace smelt

#endif  // SMELT_STORE_GATE_H_
