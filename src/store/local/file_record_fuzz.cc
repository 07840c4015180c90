#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/store/local/file_record.h"

// Any bytes are a record that is the same when it is encoded again, or none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto record = smelt::DecodeFileRecord({reinterpret_cast<const char*>(data), size});
  if (!record.has_value()) return 0;
  const auto again = smelt::DecodeFileRecord(smelt::Encode(*record));
  if (!again.has_value() || *again != *record) std::abort();
  return 0;
}
