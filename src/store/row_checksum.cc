#include "src/store/row_checksum.h"

#include "src/digest/hasher.h"

namespace smelt {

std::string RowChecksum(std::string_view key, std::string_view bytes) {
  Hasher hasher;
  hasher.Update(key);
  hasher.Update(bytes);
  const Digest digest = hasher.Finish();
  return std::string(digest.hash.begin(), digest.hash.begin() + kRowChecksumBytes);
}

}  // namespace smelt
