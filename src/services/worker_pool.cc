#include "src/services/worker_pool.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <system_error>
#include <utility>

namespace smelt {

WorkerPool::WorkerPool(int threads, std::size_t tasks_max, int more_threads)
    : width_(static_cast<std::size_t>(threads)),
      tasks_max_(tasks_max),
      threads_max_(static_cast<std::size_t>(threads + more_threads)) {
  const std::lock_guard lock(mu_);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mu_);
    ending_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();  // there come no more
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
  CallThread();
}

void WorkerPool::CallThread() {
  if (idle_ > 0) return wake_.notify_one();
  if (ending_ || busy_ >= width_ || threads_.size() >= threads_max_) return;
  try {
    threads_.emplace_back([this] { Run(); });
  } catch (const std::system_error&) {  // then one of those that are there does it, later
  }
}

void WorkerPool::ThreadWaits() {
  const std::lock_guard lock(mu_);
  --busy_;
  if (!tasks_.empty()) CallThread();
}

void WorkerPool::ThreadGoesOn() {
  const std::lock_guard lock(mu_);
  ++busy_;
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
  SlowWait::JoinPool(this);
  std::unique_lock lock(mu_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return ending_ || (!tasks_.empty() && busy_ < width_); });
    --idle_;
    if (tasks_.empty()) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    ++busy_;
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    --busy_;
  }
}

}  // namespace smelt
