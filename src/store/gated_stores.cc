#include "src/store/gated_stores.h"

#include <utility>

namespace smelt {

absl::StatusOr<Bytes> GatedBlobStore::Get(const Digest& digest) {
  const Gate::Pass pass = gate_.Enter();
  return target_.Get(digest);
}

absl::Status GatedBlobStore::Put(const Digest& digest, Bytes bytes) {
  const Gate::Pass pass = gate_.Enter();
  return target_.Put(digest, std::move(bytes));
}

absl::StatusOr<std::vector<Digest>> GatedBlobStore::FindMissing(absl::Span<const Digest> digests) {
  const Gate::Pass pass = gate_.Enter();
  return target_.FindMissing(digests);
}

absl::StatusOr<ActionCache::ActionResult> GatedActionCache::Get(const Digest& action) {
  const Gate::Pass pass = gate_.Enter();
  return target_.Get(action);
}

absl::Status GatedActionCache::Put(const Digest& action, const ActionResult& result) {
  const Gate::Pass pass = gate_.Enter();
  return target_.Put(action, result);
}

absl::StatusOr<std::vector<Outbox::Entry>> GatedOutbox::Next(std::uint64_t after, std::size_t entries_max) {
  const Gate::Pass pass = gate_.Enter();
  return target_.Next(after, entries_max);
}

absl::Status GatedOutbox::Confirm(absl::Span<const std::uint64_t> sequences) {
  const Gate::Pass pass = gate_.Enter();
  return target_.Confirm(sequences);
}

Outbox::Backlog GatedOutbox::Pending() {
  const Gate::Pass pass = gate_.Enter();
  return target_.Pending();
}

}  // namespace smelt
