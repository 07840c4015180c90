#include "src/base/quoted.h"

#include "fmt/format.h"

namespace smelt {
namespace {

constexpr std::size_t kTextBytesMax = 256;

}  // namespace

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text.substr(0, kTextBytesMax)) {
    if (c == '"' || c == '\\') quoted += '\\';
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + (text.size() > kTextBytesMax ? "...\"" : "\"");
}

}  // namespace smelt
