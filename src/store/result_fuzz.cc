#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "src/digest/hasher.h"
#include "src/store/completeness_checking_action_cache.h"
#include "src/store/memory/one_blob_store.h"
#include "src/store/result_digests.h"

// A result of others, and the Trees it names: all digests that it needs are found, or it is no hit. The first byte says
// where the result ends and the Tree begins.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t end = std::min<std::size_t>(data[0], text.size());
  smelt::ActionCache::ActionResult result;
  if (!result.ParseFromString(text.substr(0, end))) return 0;
  smelt::OneBlobStore blobs(text.substr(end));
  const auto needed = smelt::BlobsNeededBy(smelt::DigestOf("action"), result, blobs);
  const auto named = smelt::DigestsIn(result);
  if (!needed.ok() && !absl::IsNotFound(needed.status())) std::abort();
  if (needed.ok() && (!named.ok() || needed->size() < named->size())) std::abort();
  for (const smelt::Digest& digest : needed.value_or(std::vector<smelt::Digest>())) {
    if (digest.size < 0) std::abort();
  }
  return 0;
}
