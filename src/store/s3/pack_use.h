#ifndef SMELT_STORE_S3_PACK_USE_H_
#define SMELT_STORE_S3_PACK_USE_H_

#include <algorithm>
#include <cstdint>

#include "smelt/bucket/v1/bucket.pb.h"

namespace smelt {

// What a bucket's indexes say of the use of a pack: for those who read it and for those who collect it, who must agree
// on when it is condemned.
struct PackUse {
  std::int64_t sealed_ns = 0;
  std::int64_t used_ns = 0;       // last use that was published
  std::int64_t condemned_ns = 0;  // 0: never

  std::int64_t LastUse() const { return std::max(used_ns, sealed_ns); }
  bool Condemned() const { return condemned_ns > LastUse(); }

  void Add(const bucket::v1::Mark& mark) {
    used_ns = std::max(used_ns, mark.used_ns());
    condemned_ns = std::max(condemned_ns, mark.condemned_ns());
  }
};

}  // namespace smelt

#endif  // SMELT_STORE_S3_PACK_USE_H_
