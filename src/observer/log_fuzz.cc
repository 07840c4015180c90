#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/observer/log.h"

// Any bytes are either refused or read as a whole: the events then account for every byte.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kFramingBytes = 16 + 1;
  auto events = smelt::ParseObserverLog(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!events.ok()) return 0;
  std::size_t accounted = 0;
  for (const smelt::ObserverEvent& event : *events)
    accounted += kFramingBytes + event.path.size() + event.module.size();
  if (accounted != size) std::abort();
  if (smelt::UntracedPrograms(*events).size() > events->size()) std::abort();
  return 0;
}
