// Any text: no crash, and where it is TOML enough, what is put in is found again.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/wrapper/cargo_config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto scanned = smelt::wrapper::ScanCargoConfig(text);
  if (!scanned.error.empty()) return 0;
  std::string changed = smelt::wrapper::WithRustcWrapper(text, scanned, "/s");
  auto again = smelt::wrapper::ScanCargoConfig(changed);
  if (again.error.empty() && (!again.wrapper || again.wrapper->value != "/s")) std::abort();
  if (changed.size() + 2 < text.size() && !scanned.wrapper) std::abort();
  return 0;
}
