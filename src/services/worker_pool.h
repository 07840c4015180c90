#ifndef SMELT_SERVICES_WORKER_POOL_H_
#define SMELT_SERVICES_WORKER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "src/base/slow_wait.h"

namespace smelt {

// Threads that do what may block: gRPC's own few threads never wait for a disk. So many at once, not counting those
// that say they wait for something far away (SlowWait): what is close by is done meanwhile by others. Thread-safe.
class WorkerPool final : private SlowWait::Pool {
 public:
  using Task = std::function<void()>;

  // At most `tasks_max` tasks wait at once. Up to `more_threads` are made when others wait for what is far away, and
  // stay.
  WorkerPool(int threads, std::size_t tasks_max, int more_threads = 0);

  // Does what was submitted, then ends its threads. Whoever submitted it may still be returning from that call.
  ~WorkerPool();

  // Has `task` run by one of the threads, in the order of submission. False, and `task` is dropped, when too many wait.
  [[nodiscard]] bool Submit(Task task);

  // As Submit, for what continues work that is under way already: it is never turned away.
  void Continue(Task task);

  // Runs `step(0)`, ..., `step(count - 1)`, some of them at once on at most `width` threads, then `done`, once, on the
  // thread that ends last. False, and nothing runs, when too many tasks wait. `count` is at least 1.
  [[nodiscard]] bool ForEach(std::size_t count, std::size_t width, std::function<void(std::size_t)> step, Task done);

  int threads() const { return static_cast<int>(width_); }

 private:
  void ThreadWaits() override;
  void ThreadGoesOn() override;
  void Add(Task task);  // with mu_ held
  void CallThread();    // likewise: for a task that waits
  void Run();

  const std::size_t width_, tasks_max_, threads_max_;
  std::mutex mu_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;            // guarded by mu_
  int idle_ = 0;                      // guarded by mu_
  std::size_t busy_ = 0;              // and wait for nothing far away; guarded by mu_
  bool ending_ = false;               // guarded by mu_
  std::vector<std::thread> threads_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_SERVICES_WORKER_POOL_H_
