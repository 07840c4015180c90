#ifndef SMELT_STORE_SHARED_CALLS_H_
#define SMELT_STORE_SHARED_CALLS_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "src/digest/digest.h"

namespace smelt {

// Calls for one digest that come while one is under way share its result instead of making another. T is copied to each
// of them. Thread-safe.
template <typename T>
class SharedCalls {
 public:
  template <typename Call>
  T Do(const Digest& digest, const Call& call) {
    std::unique_lock lock(mu_);
    const auto [found, first] = under_way_.try_emplace(digest, nullptr);
    if (!first) {
      const std::shared_ptr<Flight> flight = found->second;
      ended_.wait(lock, [&] { return flight->result.has_value(); });
      return *flight->result;
    }
    const auto flight = found->second = std::make_shared<Flight>();
    lock.unlock();
    T result = call();
    lock.lock();
    flight->result = result;
    under_way_.erase(digest);
    ended_.notify_all();
    return result;
  }

 private:
  struct Flight {
    std::optional<T> result;  // guarded by mu_
  };

  std::mutex mu_;
  std::condition_variable ended_;
  absl::flat_hash_map<Digest, std::shared_ptr<Flight>> under_way_;  // guarded by mu_
};

}  // namespace smelt

#endif  // SMELT_STORE_SHARED_CALLS_H_
