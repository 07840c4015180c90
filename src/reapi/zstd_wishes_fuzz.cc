#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/reapi/zstd_wishes.h"

namespace smelt::reapi {
namespace {

void CheckSame(const ZstdWishes& one, const ZstdWishes& other) {
  if (one.unverified != other.unverified || one.stored != other.stored) std::abort();
}

}  // namespace
}  // namespace smelt::reapi

// Any header is some wishes, which are the same when they are written out, whatever words stand beside theirs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smelt::reapi;
  const std::string header(reinterpret_cast<const char*>(data), size);
  const ZstdWishes wishes = ZstdWishesFrom(header);
  CheckSame(ZstdWishesFrom(ToHeader(wishes)), wishes);
  CheckSame(ZstdWishesFrom("later, " + header + ",later"), wishes);
  CheckSame(ZstdWishesFrom(header + ", stored,unverified"), {true, true});
  return 0;
}
