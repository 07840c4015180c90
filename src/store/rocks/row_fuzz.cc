#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/store/rocks/row.h"

// Any bytes are a row that encodes to the same bytes, or none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto row = smelt::DecodeRow(bytes); row.has_value() && Encode(*row) != bytes) std::abort();
  if (const auto row = smelt::DecodeOutboxRow(bytes); row.has_value() && Encode(*row) != bytes) std::abort();
  if (smelt::OpenResult("key", bytes).has_value() && size < 9) std::abort();
  return 0;
}
