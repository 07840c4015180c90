#include "src/compilers/rustc/rlib.h"

#include <charconv>
#include <string_view>

#include "src/base/status_macros.h"

namespace smelt::rustc {
namespace {

// ar(5): a magic, and for each member a header in ASCII: name 16, date 12, user 6, group 6, mode 8, size 10, end 2.
constexpr std::string_view kMagic = "!<arch>\n", kHeaderEnd = "`\n", kName = "lib.rmeta/      ";
constexpr std::int64_t kHeaderBytes = 60;
constexpr std::size_t kSizeAt = 48, kSizeLength = 10, kEndAt = 58;
constexpr int kMembersMax = 8;  // looked at: the symbols, the long names, and then it comes

std::optional<std::int64_t> SizeIn(std::string_view header) {
  if (header.size() != kHeaderBytes || header.substr(kEndAt) != kHeaderEnd) return std::nullopt;
  const std::string_view digits = header.substr(kSizeAt, kSizeLength);
  std::int64_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  const std::string_view rest = digits.substr(static_cast<std::size_t>(end - digits.data()));
  if (error != std::errc() || size < 0 || rest.find_first_not_of(' ') != rest.npos) return std::nullopt;
  return size;
}

}  // namespace

absl::StatusOr<std::optional<Extent>> MetadataMember(std::int64_t size, const ReadAt& read) {
  std::int64_t at = static_cast<std::int64_t>(kMagic.size());
  ASSIGN_OR_RETURN(const std::string magic, read(0, at));
  if (magic != kMagic) return std::nullopt;
  for (int member = 0; member < kMembersMax; ++member) {
    ASSIGN_OR_RETURN(const std::string header, read(at, kHeaderBytes));
    const std::optional<std::int64_t> length = SizeIn(header);
    at += kHeaderBytes;
    if (!length || *length > size - at) return std::nullopt;
    if (header.starts_with(kName)) return Extent{at, *length};
    at += *length + (*length & 1);
  }
  return std::nullopt;
}

}  // namespace smelt::rustc
