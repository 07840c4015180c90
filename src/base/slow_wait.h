#ifndef SMELT_BASE_SLOW_WAIT_H_
#define SMELT_BASE_SLOW_WAIT_H_

namespace smelt {

// While it lives, its thread may wait for something that is far away. A thread of a pool tells its pool, which then
// lets another thread do what is close by; on any other thread, and within another SlowWait, it does nothing.
class SlowWait {
 public:
  // Whose threads may wait. Outlives them.
  class Pool {
   public:
    virtual void ThreadWaits() = 0;
    virtual void ThreadGoesOn() = 0;

   protected:
    ~Pool() = default;
  };

  SlowWait() : pool_(pool_of_thread_) {
    pool_of_thread_ = nullptr;
    if (pool_ != nullptr) pool_->ThreadWaits();
  }
  ~SlowWait() {
    if (pool_ == nullptr) return;
    pool_->ThreadGoesOn();
    pool_of_thread_ = pool_;
  }
  SlowWait(const SlowWait&) = delete;
  SlowWait& operator=(const SlowWait&) = delete;

  // This thread is one of `pool` from now on.
  static void JoinPool(Pool* pool) { pool_of_thread_ = pool; }

 private:
  inline static thread_local Pool* pool_of_thread_ = nullptr;

  Pool* const pool_;
};

}  // namespace smelt

#endif  // SMELT_BASE_SLOW_WAIT_H_
