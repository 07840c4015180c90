#include "src/services/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace smelt {

WorkerPool::WorkerPool(int threads, std::size_t tasks_max) : tasks_max_(tasks_max) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::Submit(Task task) {
  const std::lock_guard lock(mu_);
  if (tasks_.size() >= tasks_max_) return false;
  Add(std::move(task));
  return true;
}

void WorkerPool::Continue(Task task) {
  const std::lock_guard lock(mu_);
  Add(std::move(task));
}

// Under the lock: once `task` is done, the pool may be gone.
void WorkerPool::Add(Task task) {
  tasks_.push_back(std::move(task));
  if (idle_ > 0) wake_.notify_one();
}

bool WorkerPool::ForEach(std::size_t count, std::size_t width, std::function<void(std::size_t)> step, Task done) {
  struct Shared {
    std::function<void(std::size_t)> step;
    Task done;
    std::atomic<std::size_t> next{0}, finished{0};
  };
  auto shared = std::make_shared<Shared>();
  shared->step = std::move(step);
  shared->done = std::move(done);
  const auto work = [shared, count] {
    for (std::size_t i; (i = shared->next.fetch_add(1)) < count;) {
      shared->step(i);
      if (shared->finished.fetch_add(1) + 1 == count) shared->done();
    }
  };
  if (!Submit(work)) return false;
  for (std::size_t i = 1; i < std::min(width, count); ++i) Continue(work);
  return true;
}

void WorkerPool::Run() {
  std::unique_lock lock(mu_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    --idle_;
    if (tasks_.empty()) return;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace smelt
