#ifndef SMELT_DAEMON_IN_FLIGHT_H_
#define SMELT_DAEMON_IN_FLIGHT_H_

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace smelt {

// One compile at a time for each key: who asks later waits, and then finds the result of the first. Thread-safe.
class InFlight {
 public:
  // Held while the key is taken; gives it back when destroyed.
  class Turn {
   public:
    Turn() = default;
    Turn(InFlight& table, std::string key) : table_(&table), key_(std::move(key)) {}
    Turn(Turn&& other) noexcept : table_(std::exchange(other.table_, nullptr)), key_(std::move(other.key_)) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(table_, other.table_);
      std::swap(key_, other.key_);
      return *this;
    }
    ~Turn() {
      if (table_) table_->Release(key_);
    }
    bool held() const { return table_ != nullptr; }

   private:
    InFlight* table_ = nullptr;
    std::string key_;
  };

  // Takes `key` if nobody holds it; else a Turn that holds nothing.
  Turn TryTake(const std::string& key);

  // Waits until nobody holds `key`, and takes it. Calls `waiting` about once a second meanwhile; if it returns false,
  // gives up and returns a Turn that holds nothing.
  Turn Take(const std::string& key, const std::function<bool()>& waiting);

 private:
  void Release(const std::string& key);

  absl::Mutex mu_;
  std::set<std::string> taken_ ABSL_GUARDED_BY(mu_);
};

}  // namespace smelt

#endif  // SMELT_DAEMON_IN_FLIGHT_H_
