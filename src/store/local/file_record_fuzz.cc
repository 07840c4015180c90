#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/store/local/file_record.h"

// Any bytes are a record that is the same when it is encoded again, or none; and a time since 1970.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::int64_t use = smelt::DecodeUse(bytes);
  if (use < 0 || smelt::DecodeUse(smelt::EncodeUse(use)) != use) std::abort();
  const auto record = smelt::DecodeFileRecord(bytes);
  if (!record.has_value()) return 0;
  const auto again = smelt::DecodeFileRecord(smelt::Encode(*record));
  if (!again.has_value() || *again != *record) std::abort();
  return 0;
}
