#ifndef SMELT_DAEMON_COUNTERS_H_
#define SMELT_DAEMON_COUNTERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/synchronization/mutex.h"
#include "src/base/table.h"

namespace smelt {

// Counts by name that survive restarts of the daemon: "hits", "refusals.unknown_flag", "bytes_restored". docs/stats.md
// lists them. Thread-safe. A crash loses what was counted since the last Save.
class Counters {
 public:
  explicit Counters(Table& table);

  void Add(std::string_view name, std::int64_t by = 1);

  // All counters that are not 0.
  std::map<std::string, std::int64_t, std::less<>> All();

  void Reset();

  // Writes what has changed; cheap if nothing has.
  void Save();

 private:
  Table& table_;
  absl::Mutex mu_;
  std::map<std::string, std::int64_t, std::less<>> values_ ABSL_GUARDED_BY(mu_);
  bool changed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_COUNTERS_H_
