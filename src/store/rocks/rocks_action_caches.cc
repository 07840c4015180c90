#include "src/store/rocks/rocks_action_caches.h"

#include <glog/logging.h>

#include <optional>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/store/rocks/row.h"

namespace smelt {
namespace {

using ActionResult = ActionCache::ActionResult;
using Durability = RocksDatabase::Durability;
using Family = RocksDatabase::Family;

class InstanceActionCache : public ActionCache {
 public:
  InstanceActionCache(RocksActionCaches& caches, std::string_view instance, bool fetched)
      : caches_(caches), instance_(instance), fetched_(fetched) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override { return caches_.Get(instance_, action); }
  absl::Status Put(const Digest& action, const ActionResult& result) override {
    return caches_.Put(instance_, action, result, fetched_);
  }

 private:
  RocksActionCaches& caches_;
  const std::string instance_;
  const bool fetched_;
};

absl::Status NoResult(std::string_view what) { return absl::NotFoundError(fmt::format("no result of {}", what)); }

absl::Status FailsItsChecksum() { return NoResult("this action: what was kept fails its checksum"); }

}  // namespace

PresenceIndex::Key ActionPresenceKey(std::string_view action_key) { return PresenceIndex::KeyOf(DigestOf(action_key)); }

std::shared_ptr<ActionCache> RocksActionCaches::Of(std::string_view instance) {
  return std::make_shared<InstanceActionCache>(*this, instance, false);
}

std::shared_ptr<ActionCache> RocksActionCaches::OfFetched(std::string_view instance) {
  return std::make_shared<InstanceActionCache>(*this, instance, true);
}

absl::StatusOr<ActionResult> RocksActionCaches::Get(std::string_view instance, const Digest& action) {
  const std::string key = ActionKey(instance, action);
  const Digest digest = DigestOf(std::string_view(key));
  const Gate::Pass pass = gate_.Enter();
  if (!uses_.Use(PresenceIndex::KeyOf(digest), [&] { return key; }).has_value()) return NoResult(action.ToString());
  auto result = Read(key, digest);
  return absl::IsNotFound(result.status()) ? Forget(key, digest) : result;
}

absl::StatusOr<Bytes> RocksActionCaches::GetSealed(std::string_view instance, const Digest& action) {
  const std::string key = ActionKey(instance, action);
  const Digest digest = DigestOf(std::string_view(key));
  const Gate::Pass pass = gate_.Enter();
  if (!uses_.Use(PresenceIndex::KeyOf(digest), [&] { return key; }).has_value()) return NoResult("this action");
  return ReadSealed(key, digest);
}

absl::StatusOr<ActionResult> RocksActionCaches::Read(std::string_view key, const Digest& digest) {
  ASSIGN_OR_RETURN(const Bytes sealed, ReadSealed(key, digest));
  const std::string_view bytes = BytesOfResult(*sealed.contents());
  ActionResult result;
  if (!result.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return FailsItsChecksum();
  return result;
}

absl::StatusOr<Bytes> RocksActionCaches::ReadSealed(std::string_view key, const Digest& digest) {
  if (auto recent = recent_.Find(digest); recent.has_value()) return *std::move(recent);
  const RecentValues::Version version = recent_.VersionOf(digest);
  ASSIGN_OR_RETURN(std::optional<std::string> value, database_.Get(Family::kActions, key));
  if (!value.has_value()) return NoResult("this action");
  if (!OpenResult(key, *value).has_value()) return FailsItsChecksum();
  const Bytes sealed(*std::move(value));
  recent_.Add(digest, sealed, version);
  return sealed;
}

// What could not be read is looked at again where nobody can change it.
absl::StatusOr<ActionResult> RocksActionCaches::Forget(std::string_view key, const Digest& digest) {
  PresenceIndex::Claim claim = uses_.index().Wait(PresenceIndex::KeyOf(digest));
  if (!claim.Get().has_value()) return NoResult("this action");
  auto result = Read(key, digest);
  if (!absl::IsNotFound(result.status())) return result;
  claim.Erase();
  LOG(WARNING) << "a result is corrupt or lost: forgotten";
  RocksDatabase::Batch batch(database_);
  batch.Delete(Family::kActions, key);
  batch.Delete(Family::kActionRows, key);
  RETURN_IF_ERROR(database_.Write(batch, Durability::kProcess));
  return result;
}

absl::Status RocksActionCaches::Put(std::string_view instance, const Digest& action, const ActionResult& result,
                                    bool fetched) {
  return committer_.Put(EntryOf(instance, action, result, fetched));
}

void RocksActionCaches::Defer(std::string_view instance, const Digest& action, const ActionResult& result,
                              Committer::Done done) {
  committer_.Add(EntryOf(instance, action, result, false), std::move(done));
}

Committer::Entry RocksActionCaches::EntryOf(std::string_view instance, const Digest& action, const ActionResult& result,
                                            bool fetched) {
  const std::string key = ActionKey(instance, action);
  const Digest digest = DigestOf(std::string_view(key));
  const std::string bytes = result.SerializeAsString();
  return {.uses = &uses_,
          .presence = PresenceIndex::KeyOf(digest),
          .key = key,
          .place = Place::kResult,
          .value = Bytes(SealResult(key, bytes)),
          .size = static_cast<std::int64_t>(bytes.size()),
          .recent = &recent_,
          .recent_key = digest,
          .fetched = fetched,
          .kind = Outbox::Kind::kAction,
          .instance = std::string(instance),
          .digest = action};
}

}  // namespace smelt
