#include "src/store/memory/memory_blob_store.h"

#include <set>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"

namespace smelt {

absl::StatusOr<Bytes> MemoryBlobStore::Get(const Digest& digest) {
  if (digest == DigestOf(std::string_view())) return Bytes();
  const std::lock_guard lock(mu_);
  const auto found = blobs_.find(digest);
  if (found == blobs_.end()) return absl::NotFoundError(fmt::format("no blob {}", digest.ToString()));
  return found->second;
}

absl::Status MemoryBlobStore::Put(const Digest& digest, Bytes bytes) {
  ASSIGN_OR_RETURN(std::string contents, bytes.ReadAll());
  const Digest actual = DigestOf(std::string_view(contents));
  if (actual != digest) {
    return absl::InvalidArgumentError(fmt::format("bytes put as blob {} are {}", digest.ToString(), actual.ToString()));
  }
  const std::lock_guard lock(mu_);
  blobs_.insert_or_assign(digest, Bytes(std::move(contents)));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Digest>> MemoryBlobStore::FindMissing(absl::Span<const Digest> digests) {
  const Digest empty = DigestOf(std::string_view());
  std::vector<Digest> missing;
  std::set<Digest> seen;
  const std::lock_guard lock(mu_);
  for (const Digest& digest : digests) {
    if (digest != empty && !blobs_.contains(digest) && seen.insert(digest).second) missing.push_back(digest);
  }
  return missing;
}

void MemoryBlobStore::Forget(const Digest& digest) {
  const std::lock_guard lock(mu_);
  blobs_.erase(digest);
}

void MemoryBlobStore::CorruptForTest(const Digest& digest, Bytes bytes) {
  const std::lock_guard lock(mu_);
  blobs_.insert_or_assign(digest, std::move(bytes));
}

}  // namespace smelt
