#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/daemon/journal.h"
#include "src/testing/fake_clock.h"
#include "src/testing/memory_table.h"

// Whatever a table holds in an entry's place, what is recorded next is found, and first.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smelt::FakeClock clock;
  smelt::MemoryTable table;
  table.Put("journal\na_crate\nunit", {reinterpret_cast<const char*>(data), size}).IgnoreError();
  smelt::Journal journal(table, clock, "");
  if (journal.Of("a-crate").size() > size) std::abort();
  smelt::JournalEntry entry;
  entry.crate = "a_crate";
  entry.unit = "unit";
  entry.outcome = "miss";
  entry.key_dump = {"argument x"};
  journal.Record(entry);
  bool found = false;
  for (const smelt::JournalEntry& each : journal.Of("a_crate")) found = found || each.key_dump == entry.key_dump;
  if (!found || journal.Of("a_crate").size() > smelt::Journal::kEntriesMax) std::abort();
  return 0;
}
