#include "src/reapi/digests.h"

#include "fmt/format.h"

namespace smelt::reapi {

v2::Digest ToProto(const Digest& digest) {
  v2::Digest proto;
  proto.set_hash(digest.Hex());
  proto.set_size_bytes(digest.size);
  return proto;
}

absl::StatusOr<Digest> FromProto(const v2::Digest& digest) {
  return Digest::Parse(fmt::format("{}/{}", digest.hash(), digest.size_bytes()));
}

}  // namespace smelt::reapi
