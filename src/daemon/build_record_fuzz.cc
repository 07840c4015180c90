#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/daemon/build_record.h"
#include "src/digest/hasher.h"

// A record that somebody else wrote, however damaged, names digests only, and is of use again after one build.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smelt::ActionCache::ActionResult entry;
  entry.set_stdout_raw(std::string(reinterpret_cast<const char*>(data), size));
  smelt::BuildRecord record = smelt::RecordIn(entry);
  for (const smelt::RecordedUnit& unit : smelt::UnitsIn(record)) {
    if (unit.manifest.size < 0 || unit.action.size < 0) std::abort();
  }
  const smelt::RecordedUnit used = {smelt::DigestOf("manifest"), smelt::DigestOf("action")};
  smelt::Update(record, {used}, 20'000);
  bool found = false;
  for (const smelt::RecordedUnit& unit : smelt::UnitsIn(smelt::RecordIn(smelt::EntryOf(record)))) {
    found = found || unit == used;
  }
  if (!found || record.units_size() > smelt::kRecordedUnitsMax) std::abort();
  return 0;
}
