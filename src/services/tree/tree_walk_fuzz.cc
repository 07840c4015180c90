#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "src/digest/hasher.h"
#include "src/services/tree/tree_walk.h"
#include "src/store/memory/one_blob_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smelt::OneBlobStore blobs(std::string(reinterpret_cast<const char*>(data), size));
  smelt::Limits limits;
  limits.tree_directories_max = 1000;
  smelt::TreeWalk walk(blobs, smelt::DigestOf("root"), limits);
  for (int visited = 0;; ++visited) {
    if (visited > limits.tree_directories_max) std::abort();
    const auto next = walk.Next();
    if (!next.ok() || !next->has_value()) return 0;
  }
}
