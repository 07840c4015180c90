#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/auth/jwks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  absl::StatusOr<smelt::Jwks> keys = smelt::Jwks::Parse({reinterpret_cast<const char*>(data), size});
  if (!keys.ok()) return 0;
  for (auto algorithm : {smelt::SignatureAlgorithm::kEs256, smelt::SignatureAlgorithm::kRs256}) {
    const smelt::PublicKey* key = keys->Find("", algorithm);
    if (key && key->Verifies("text", "signature")) __builtin_trap();
  }
  return 0;
}
