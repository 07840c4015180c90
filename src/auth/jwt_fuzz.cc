#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/auth/jwt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  absl::StatusOr<smelt::Jwt> jwt = smelt::ParseJwt(text);
  if (jwt.ok() && (jwt->signature.empty() || !text.starts_with(jwt->signed_part))) __builtin_trap();
  if (jwt.ok()) (void)smelt::CheckTimes(*jwt, 1'700'000'000, 3600);
  return 0;
}
