#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/services/zstd/zstd_codec.h"

// The first two bytes say the declared size; the rest is what came over the wire. Whatever it is, no more than the
// declared size and one byte comes out, and both decoders agree.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::int64_t declared = data[0] | data[1] << 8;
  const std::string wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::string streamed;
  const absl::Status status = smelt::DecompressZstd(smelt::Bytes(wire), declared, [&](std::string_view piece) {
    streamed.append(piece);
    return absl::OkStatus();
  });
  const absl::StatusOr<std::string> whole = smelt::DecompressZstd(wire, declared);
  if (streamed.size() > static_cast<std::size_t>(declared) + 1) std::abort();
  if (whole.ok() != status.ok() || (whole.ok() && *whole != streamed)) std::abort();
  return 0;
}
