#ifndef SMELT_SERVICES_BYTES_BUDGET_H_
#define SMELT_SERVICES_BYTES_BUDGET_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace smelt {

// The cap on bytes that all calls together hold in memory: whoever wants to hold some takes them from here first, and
// waits in a queue, without a thread, when there are none left. Never take again while holding: two that each hold
// half and wait for the other half wait for ever. Thread-safe; outlives every Hold.
class BytesBudget {
 public:
  // So many bytes of the budget; gives them back when it goes.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { Release(); }

    std::int64_t bytes() const { return bytes_; }
    void Release();

    // Gives back all but `bytes`.
    void ShrinkTo(std::int64_t bytes);

   private:
    friend class BytesBudget;
    Hold(BytesBudget* budget, std::int64_t bytes) : budget_(budget), bytes_(bytes) {}

    BytesBudget* budget_ = nullptr;
    std::int64_t bytes_ = 0;
  };
  using Granted = std::function<void(Hold)>;

  explicit BytesBudget(std::int64_t limit_bytes) : limit_(limit_bytes), free_(limit_bytes) {}

  // Calls `granted` with `bytes` (at most the whole budget): at once on this thread if they are free and nobody waits,
  // else in the order of asking on the thread that gives bytes back.
  void Acquire(std::int64_t bytes, Granted granted);

  // `bytes` if they are free now and nobody waits for them; else an empty hold (bytes() == 0).
  Hold TryAcquire(std::int64_t bytes);

  std::int64_t limit_bytes() const { return limit_; }
  std::int64_t held_bytes();
  std::int64_t waiting();  // callers in the queue

 private:
  struct Waiter {
    std::int64_t bytes;
    Granted granted;
  };
  void GiveBack(std::int64_t bytes);

  const std::int64_t limit_;
  std::mutex mu_;
  std::int64_t free_;           // guarded by mu_
  std::deque<Waiter> waiting_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_SERVICES_BYTES_BUDGET_H_
