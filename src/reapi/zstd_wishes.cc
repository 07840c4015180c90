#include "src/reapi/zstd_wishes.h"

#include <algorithm>

#include "src/base/ascii.h"

namespace smelt::reapi {
namespace {

constexpr std::string_view kUnverified = "unverified", kStored = "stored";

}  // namespace

std::string ToHeader(const ZstdWishes& wishes) {
  std::string header(wishes.unverified ? kUnverified : "");
  if (wishes.stored) header.append(header.empty() ? "" : ", ").append(kStored);
  return header;
}

ZstdWishes ZstdWishesFrom(std::string_view header) {
  ZstdWishes wishes;
  while (!header.empty()) {
    const std::size_t comma = std::min(header.find(','), header.size());
    const std::string_view word = Trimmed(header.substr(0, comma));
    wishes.unverified |= word == kUnverified;
    wishes.stored |= word == kStored;
    header.remove_prefix(std::min(comma + 1, header.size()));
  }
  return wishes;
}

}  // namespace smelt::reapi
