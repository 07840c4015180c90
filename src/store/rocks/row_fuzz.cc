#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/store/rocks/row.h"

namespace {

void Check(bool right) {
  if (!right) std::abort();
}

bool CanBe(const smelt::OutboxRow& row) {
  return row.bytes >= 0 && row.entry.since_seconds >= 0 && row.entry.digest.size >= 0;
}

}  // namespace

// Any bytes are a row that encodes to the same bytes, or none; a result is opened only as it was sealed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto row = smelt::DecodeRow(bytes)) Check(Encode(*row) == bytes && row->bytes >= 0);
  if (const auto row = smelt::DecodeOutboxRow(bytes)) Check(Encode(*row) == bytes && CanBe(*row));
  if (const auto sequence = smelt::SequenceOfKey(bytes)) Check(smelt::SequenceKey(*sequence) == bytes);
  if (const auto opened = smelt::OpenResult("key", bytes)) Check(smelt::SealResult("key", *opened) == bytes);
  const std::string sealed = smelt::SealResult("key", bytes);
  Check(smelt::OpenResult("key", sealed) == bytes && !smelt::OpenResult(bytes, sealed + "x").has_value());
  return 0;
}
