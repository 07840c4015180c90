#include "src/store/verifying_blob_store.h"

#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"

namespace smelt {

absl::StatusOr<Bytes> VerifyingBlobStore::Get(const Digest& digest) {
  ASSIGN_OR_RETURN(Bytes bytes, target_.Get(digest));
  ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
  if (actual == digest) return bytes;
  return absl::DataLossError(fmt::format("blob {} came back as {}", digest.ToString(), actual.ToString()));
}

absl::Status VerifyingBlobStore::Put(const Digest& digest, Bytes bytes) {
  ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
  if (actual == digest) return target_.Put(digest, std::move(bytes));
  return absl::InvalidArgumentError(fmt::format("bytes put as blob {} are {}", digest.ToString(), actual.ToString()));
}

absl::StatusOr<std::vector<Digest>> VerifyingBlobStore::FindMissing(absl::Span<const Digest> digests) {
  return target_.FindMissing(digests);
}

}  // namespace smelt
