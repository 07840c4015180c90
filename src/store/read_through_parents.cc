#include "src/store/read_through_parents.h"

#include <algorithm>
#include <utility>

#include "src/store/completeness_checking_action_cache.h"

namespace smelt {
namespace {

constexpr std::size_t kAncestryMax = 9;

class FirstOf : public ActionCache {
 public:
  FirstOf(std::vector<std::shared_ptr<ActionCache>> caches, BlobStore& blobs)
      : caches_(std::move(caches)), blobs_(blobs) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override {
    absl::StatusOr<ActionResult> result = absl::NotFoundError("nobody was asked");
    for (const std::shared_ptr<ActionCache>& cache : caches_) {
      result = CompletenessCheckingActionCache(*cache, blobs_).Get(action);
      if (!absl::IsNotFound(result.status())) break;
    }
    return result;
  }

  absl::Status Put(const Digest& action, const ActionResult& result) override {
    return caches_.front()->Put(action, result);
  }

 private:
  const std::vector<std::shared_ptr<ActionCache>> caches_;
  BlobStore& blobs_;
};

}  // namespace

ReadThroughParents::ReadThroughParents(ActionCaches& caches, BlobStore& blobs, const std::vector<ParentRule>& rules)
    : caches_(caches), blobs_(blobs) {
  for (const ParentRule& rule : rules) rules_.emplace_back(Glob(rule.instance), rule.parent);
}

std::shared_ptr<ActionCache> ReadThroughParents::Of(std::string_view instance) {
  std::vector<std::shared_ptr<ActionCache>> caches;
  for (const std::string& name : Ancestry(instance)) caches.push_back(caches_.Of(name));
  if (caches.size() == 1) return caches.front();
  return std::make_shared<FirstOf>(std::move(caches), blobs_);
}

std::vector<std::string> ReadThroughParents::Ancestry(std::string_view instance) const {
  std::vector<std::string> names = {std::string(instance)};
  while (names.size() < kAncestryMax) {
    const auto rule = std::find_if(rules_.begin(), rules_.end(),
                                   [&](const auto& candidate) { return candidate.first.Matches(names.back()); });
    if (rule == rules_.end() || std::find(names.begin(), names.end(), rule->second) != names.end()) break;
    names.push_back(rule->second);
  }
  return names;
}

}  // namespace smelt
