#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/compilers/rustc/dep_info.h"
#include "src/compilers/rustc/path_map.h"

namespace {

const smelt::rustc::PathMap& Paths() {
  static const smelt::rustc::PathMap* const paths =
      new smelt::rustc::PathMap({{"workspace", "/w w", "/smelt/workspace", ""}, {"cargo", "/c", "/smelt/cargo", ""}});
  return *paths;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto info = smelt::rustc::ParseDepInfo(text);
  if (info.ok()) {
    for (const std::string& source : info->sources) {
      if (source.empty() || source.find('\n') != std::string::npos) std::abort();
    }
  }
  const auto files = smelt::rustc::ParseLinkerDependencyFile(text);
  if (files.ok()) {
    for (const std::string& file : *files) {
      if (file.empty()) std::abort();
    }
  }
  if (Paths().DepInfoFromTemplate(Paths().DepInfoToTemplate(text)) != text) std::abort();
  return 0;
}
