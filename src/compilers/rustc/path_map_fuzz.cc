// Text in both directions: a template of this machine's text gives that text again; one of another machine, however
// damaged, gives some text, and the same text where it has no marker.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/compilers/rustc/path_map.h"

namespace {

// Without embedded prefixes, which become real ones.
const smelt::rustc::PathMap& Paths() {
  static const smelt::rustc::PathMap* const paths =
      new smelt::rustc::PathMap({{"workspace", "/w \"w", "/smelt/workspace", ""},
                                 {"cargo", "/c", "/smelt/cargo", ""},
                                 {"build", "/w \"w/t", "", ""}});
  return *paths;
}

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const bool json : {false, true}) {
    Check(Paths().FromTemplate(Paths().ToTemplate(text, json), json) == text);
    const std::string filled = Paths().FromTemplate(text, json);
    Check(text.find('\x01') != std::string::npos || filled == text);
  }
  const std::string path = Paths().Canonical(text, "/w \"w");
  Check(path.starts_with('/') && path.find("//") == std::string::npos);
  Check(Paths().Canonical(Paths().Real(path), "/") == path || path.starts_with("/smelt"));
  return 0;
}
