#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/reapi/resource_name.h"

namespace smelt::reapi {
namespace {

// What parses, formats to a name that parses to the same.
void Check(absl::StatusOr<ResourceName> (*parse)(std::string_view), std::string_view text) {
  const absl::StatusOr<ResourceName> parsed = parse(text);
  if (!parsed.ok()) return;
  const absl::StatusOr<ResourceName> again = parse(Format(*parsed));
  if (!again.ok() || *again != *parsed) std::abort();
  if (!CheckInstanceName(parsed->instance).ok()) std::abort();
}

}  // namespace
}  // namespace smelt::reapi

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  smelt::reapi::Check(smelt::reapi::ParseReadName, text);
  smelt::reapi::Check(smelt::reapi::ParseWriteName, text);
  return 0;
}
