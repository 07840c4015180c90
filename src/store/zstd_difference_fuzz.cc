// The first byte says how much of the input is the text before; the rest is a difference, whatever it holds: refused,
// or made into the size that was asked for, which may be the one that it says. The difference that we make of the two
// is what makes one of the other.

#include <zstd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "src/store/zstd_difference.h"

namespace {

constexpr unsigned long long kBytesMax = 1 << 20;

void Check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smelt;
  if (size < 2) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view from = rest.substr(0, rest.size() * data[0] / 256), second = rest.substr(from.size());
  const auto said = std::min(ZSTD_getFrameContentSize(second.data(), second.size()), kBytesMax);
  for (const std::int64_t bytes : {std::int64_t{0}, std::int64_t{data[1]} << 8, static_cast<std::int64_t>(said)}) {
    const auto made = ZstdApplyDifference(from, second, bytes);
    Check(made.ok() ? static_cast<std::int64_t>(made->size()) == bytes : absl::IsDataLoss(made.status()));
  }
  const auto back = ZstdApplyDifference(from, ZstdDifference(from, second), static_cast<std::int64_t>(second.size()));
  Check(back.ok() && *back == second);
  return 0;
}
