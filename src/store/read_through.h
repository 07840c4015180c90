#ifndef SMELT_STORE_READ_THROUGH_H_
#define SMELT_STORE_READ_THROUGH_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/store/action_caches.h"
#include "src/store/blob_store.h"
#include "src/store/shared_calls.h"

namespace smelt {

// A near store in front of a far one: reads come from the near one, else from the far one, and are then kept near;
// writes go to the near one only (an Outbox or the caller takes them further). Present is what is in either. A far
// store that does not answer is as if it held nothing. `fetched` is the near one for what comes from the far one, which
// may come there a while after it was put. All outlive this.
class ReadThroughBlobStore : public BlobStore {
 public:
  ReadThroughBlobStore(BlobStore& near, BlobStore& fetched, BlobStore& far)
      : near_(near), fetched_(fetched), far_(far) {}

  // Many that miss the same blob near share one read of the far store.
  absl::StatusOr<Bytes> Get(const Digest& digest) override;
  absl::Status Put(const Digest& digest, Bytes bytes) override { return near_.Put(digest, std::move(bytes)); }
  absl::StatusOr<std::vector<Digest>> FindMissing(absl::Span<const Digest> digests) override;

 private:
  absl::StatusOr<Bytes> Fill(const Digest& digest);

  BlobStore& near_;
  BlobStore& fetched_;
  BlobStore& far_;
  SharedCalls<absl::StatusOr<Bytes>> fills_;
};

// The same for results. One found far is kept near as it is: whether its blobs are there is asked by whoever asks for
// completeness, of a ReadThroughBlobStore.
class ReadThroughActionCaches : public ActionCaches {
 public:
  ReadThroughActionCaches(ActionCaches& near, ActionCaches& fetched, ActionCaches& far)
      : near_(near), fetched_(fetched), far_(far) {}

  std::shared_ptr<ActionCache> Of(std::string_view instance) override;

 private:
  ActionCaches& near_;
  ActionCaches& fetched_;
  ActionCaches& far_;
};

}  // namespace smelt

#endif  // SMELT_STORE_READ_THROUGH_H_
