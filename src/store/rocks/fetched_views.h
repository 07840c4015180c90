#ifndef SMELT_STORE_ROCKS_FETCHED_VIEWS_H_
#define SMELT_STORE_ROCKS_FETCHED_VIEWS_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/store/action_caches.h"
#include "src/store/blob_store.h"
#include "src/store/rocks/rocks_action_caches.h"
#include "src/store/rocks/rocks_blob_store.h"

namespace smelt {

// The store for what came from the bucket: what is put does not go to the outbox, which would bring it there again.
class FetchedBlobs : public BlobStore {
 public:
  explicit FetchedBlobs(RocksBlobStore& blobs) : blobs_(blobs) {}

  absl::StatusOr<Bytes> Get(const Digest& digest) override { return blobs_.Get(digest); }
  absl::Status Put(const Digest& digest, Bytes bytes) override { return blobs_.PutFetched(digest, std::move(bytes)); }
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override {
    return blobs_.FindMissing(digests);
  }

 private:
  RocksBlobStore& blobs_;
};

class FetchedResults : public ActionCaches {
 public:
  explicit FetchedResults(RocksActionCaches& caches) : caches_(caches) {}

  std::shared_ptr<ActionCache> Of(std::string_view instance) override { return caches_.OfFetched(instance); }

 private:
  RocksActionCaches& caches_;
};

}  // namespace smelt

#endif  // SMELT_STORE_ROCKS_FETCHED_VIEWS_H_
