#ifndef SMELT_STORE_GATED_STORES_H_
#define SMELT_STORE_GATED_STORES_H_

#include <vector>

#include "src/store/action_cache.h"
#include "src/store/blob_store.h"
#include "src/store/gate.h"
#include "src/store/outbox.h"

// Each call of another object inside a gate. What they are given outlives them.
namespace smelt {

class GatedBlobStore : public BlobStore {
 public:
  GatedBlobStore(BlobStore& target, Gate& gate) : target_(target), gate_(gate) {}

  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override;
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

 private:
  BlobStore& target_;
  Gate& gate_;
};

class GatedActionCache : public ActionCache {
 public:
  GatedActionCache(ActionCache& target, Gate& gate) : target_(target), gate_(gate) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override;
  absl::Status Put(const Digest& action, const ActionResult& result) override;

 private:
  ActionCache& target_;
  Gate& gate_;
};

class GatedOutbox : public Outbox {
 public:
  GatedOutbox(Outbox& target, Gate& gate) : target_(target), gate_(gate) {}

  absl::StatusOr<std::vector<Entry>> Next(std::uint64_t after, std::size_t entries_max) override;
  absl::Status Confirm(absl::Span<const std::uint64_t> sequences) override;
  Backlog Pending() override;

 private:
  Outbox& target_;
  Gate& gate_;
};

}  // namespace smelt

#endif  // SMELT_STORE_GATED_STORES_H_
