#include "src/store/read_through.h"

#include <utility>

#include "src/base/slow_wait.h"

namespace smelt {
namespace {

bool IsElsewhere(const absl::Status& status) { return absl::IsNotFound(status) || absl::IsDataLoss(status); }

class ReadThroughActionCache : public ActionCache {
 public:
  ReadThroughActionCache(std::shared_ptr<ActionCache> near, std::shared_ptr<ActionCache> fetched,
                         std::shared_ptr<ActionCache> far)
      : near_(std::move(near)), fetched_(std::move(fetched)), far_(std::move(far)) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override {
    absl::StatusOr<ActionResult> here = near_->Get(action);
    if (here.ok() || !IsElsewhere(here.status())) return here;
    const SlowWait wait;
    absl::StatusOr<ActionResult> there = far_->Get(action);
    if (!there.ok()) return here;
    fetched_->Put(action, *there).IgnoreError();  // full, say: the result is good all the same
    return there;
  }

  absl::Status Put(const Digest& action, const ActionResult& result) override { return near_->Put(action, result); }

 private:
  const std::shared_ptr<ActionCache> near_, fetched_, far_;
};

}  // namespace

absl::StatusOr<Bytes> ReadThroughBlobStore::Fill(const Digest& digest) {
  absl::StatusOr<Bytes> here = fetched_.Get(digest);
  if (here.ok()) return here;
  absl::StatusOr<Bytes> there = far_.Get(digest);
  if (!there.ok()) return there;
  const absl::Status kept = fetched_.Put(digest, *there);
  if (!kept.ok()) return there;
  here = fetched_.Get(digest);
  return here.ok() ? here : there;
}

absl::StatusOr<Bytes> ReadThroughBlobStore::Get(const Digest& digest) {
  absl::StatusOr<Bytes> here = near_.Get(digest);
  if (here.ok() || !IsElsewhere(here.status())) return here;
  const SlowWait wait;
  absl::StatusOr<Bytes> filled = fills_.Do(digest, [&] { return Fill(digest); });
  return filled.ok() ? filled : here;
}

absl::StatusOr<std::vector<Digest>> ReadThroughBlobStore::FindMissing(absl::Span<const Digest> digests) {
  absl::StatusOr<std::vector<Digest>> here = near_.FindMissing(digests);
  if (!here.ok() || here->empty()) return here;
  const SlowWait wait;
  absl::StatusOr<std::vector<Digest>> both = far_.FindMissing(*here);
  return both.ok() ? both : here;
}

std::shared_ptr<ActionCache> ReadThroughActionCaches::Of(std::string_view instance) {
  return std::make_shared<ReadThroughActionCache>(near_.Of(instance), fetched_.Of(instance), far_.Of(instance));
}

}  // namespace smelt
