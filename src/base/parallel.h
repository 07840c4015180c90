#ifndef SMELT_BASE_PARALLEL_H_
#define SMELT_BASE_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace smelt {

// Calls work(0) ... work(count - 1), each once, begun in this order, by `threads_max` threads at most, of which the
// caller's is one; returns when all are done. For work that waits (network, disk).
inline void ParallelFor(std::size_t count, std::size_t threads_max, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min(count, threads_max); ++i) others.emplace_back(run);
  run();
  for (std::thread& thread : others) thread.join();
}

}  // namespace smelt

#endif  // SMELT_BASE_PARALLEL_H_
