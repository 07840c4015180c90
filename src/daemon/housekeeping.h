#ifndef SMELT_DAEMON_HOUSEKEEPING_H_
#define SMELT_DAEMON_HOUSEKEEPING_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/table.h"

namespace smelt {

// Asked between two steps; true: end now.
using ShouldStop = std::function<bool()>;

// Forgets the entries whose key is "<kind>\n<path>" or "<kind>\n<path>\n..." and whose path is gone.
void PrunePaths(Table& table, FileSystem& files, const ShouldStop& stop);

// Does `chores` on a thread of its own, one after the other and with little of the processor, once a day at most, so
// that the daemon's tables do not grow for ever. When it was last done is kept in `table`.
class Housekeeping {
 public:
  static constexpr std::int64_t kIntervalNanos = 24LL * 3600 * 1'000'000'000;

  using Chore = std::function<void(const ShouldStop&)>;
  Housekeeping(Table& table, Clock& clock, std::vector<Chore> chores);

  // Has what is being done end early, and waits for it; it is done another day.
  ~Housekeeping();

  // Waits until it is done, or was not due. For tests.
  void Wait();

 private:
  void Work();

  Table& table_;
  Clock& clock_;
  const std::vector<Chore> chores_;
  absl::Notification stopping_, done_;
  std::thread thread_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_HOUSEKEEPING_H_
