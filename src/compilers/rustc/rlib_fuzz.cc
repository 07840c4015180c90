#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "src/compilers/rustc/rlib.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const auto read = [&](std::int64_t offset, std::int64_t length) -> absl::StatusOr<std::string> {
    if (offset < 0 || length < 0) std::abort();
    if (offset > static_cast<std::int64_t>(file.size())) return std::string();
    return std::string(file.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
  };
  const auto member = smelt::rustc::MetadataMember(static_cast<std::int64_t>(size), read);
  if (!member.ok()) std::abort();
  if (!*member) return 0;
  const auto [offset, length] = **member;
  if (offset < 0 || length < 0 || offset + length > static_cast<std::int64_t>(size)) std::abort();
  return 0;
}
