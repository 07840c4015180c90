// Decode of anything: no crash, and what it accepts is exactly what Encode makes.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/wire/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view payload(reinterpret_cast<const char*>(data), size);
  auto message = smelt::wire::Decode(payload);
  if (message && smelt::wire::Encode(*message) != payload) std::abort();
  bool first = message && message->index() <= 1;
  if (first && !smelt::wire::PeekBuildId(payload)) std::abort();
  return 0;
}
