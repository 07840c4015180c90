#ifndef SMELT_DAEMON_JOURNAL_H_
#define SMELT_DAEMON_JOURNAL_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "src/base/clock.h"
#include "src/base/table.h"

namespace smelt {

// What became of one compile.
struct JournalEntry {
  std::string crate;       // crate name
  std::string crate_type;  // "lib", "bin", "test", ...
  std::string unit;        // K0, hexadecimal: tells units of one crate apart
  std::string outcome;     // "hit", "miss", "not_stored", "refused"
  std::string reason;      // of the last two
  std::string detail;      // the path or program behind the reason
  std::string key;         // K1, "<hex>/<size>"; empty if there is none
  std::int64_t time_ns = 0;
  std::int64_t micros = 0;            // the daemon's time for it, without the compiler's
  std::vector<std::string> key_dump;  // see KeyDump; empty for hits
};

// Remembers, for each unit, its last compiles with what their keys were made of: `smelt why` reads it. With a log path
// each entry is also appended there as a line of JSON. Thread-safe.
class Journal {
 public:
  // Compiles kept for each unit.
  static constexpr int kEntriesMax = 3;
  static constexpr std::size_t kLastMax = 10'000;
  static constexpr std::size_t kTableBytesMax = 64 << 20;
  static constexpr std::int64_t kLogBytesMax = 64 << 20;

  // `log_path` may be empty. A log of more than kLogBytesMax is renamed to "<log_path>.old".
  Journal(Table& table, Clock& clock, std::string log_path);

  void Record(JournalEntry entry);

  // Entries with a key dump of all units of `crate` (its name with '-' or '_'), newest first.
  std::vector<JournalEntry> Of(const std::string& crate);

  // Forgets the units that were compiled longest ago, until the table holds at most `bytes_max`. Ends early when
  // `stop` says so.
  void Prune(std::size_t bytes_max, const std::function<bool()>& stop);

  // The last compile of `crate` since the daemon started, whatever became of it.
  std::optional<JournalEntry> LastOf(std::string crate);

 private:
  void AppendToLog(const JournalEntry& entry);

  Table& table_;
  Clock& clock_;
  const std::string log_path_;
  absl::Mutex mu_;  // also orders read-modify-write of one unit's entries
  std::map<std::string, JournalEntry> last_ ABSL_GUARDED_BY(mu_);  // by crate; at most kLastMax
};

}  // namespace smelt

#endif  // SMELT_DAEMON_JOURNAL_H_
