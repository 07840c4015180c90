#include "src/store/rocks/rocks_action_caches.h"

#include <glog/logging.h>

#include <optional>

#include "fmt/format.h"
#include "src/base/kill_point.h"
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
  InstanceActionCache(RocksActionCaches& caches, std::string instance)
      : caches_(caches), instance_(std::move(instance)) {}

  absl::StatusOr<ActionResult> Get(const Digest& action) override { return caches_.Get(instance_, action); }
  absl::Status Put(const Digest& action, const ActionResult& result) override {
    return caches_.Put(instance_, action, result);
  }

 private:
  RocksActionCaches& caches_;
  const std::string instance_;
};

absl::Status NoResult(std::string_view what) { return absl::NotFoundError(fmt::format("no result of {}", what)); }

}  // namespace

PresenceIndex::Key ActionPresenceKey(std::string_view action_key) { return PresenceIndex::KeyOf(DigestOf(action_key)); }

std::shared_ptr<ActionCache> RocksActionCaches::Of(std::string_view instance) {
  return std::make_shared<InstanceActionCache>(*this, std::string(instance));
}

absl::StatusOr<ActionResult> RocksActionCaches::Get(std::string_view instance, const Digest& action) {
  const std::string key = ActionKey(instance, action);
  if (!uses_.Use(ActionPresenceKey(key), key).has_value()) return NoResult(action.ToString());
  auto result = Read(key);
  return absl::IsNotFound(result.status()) ? Forget(key) : result;
}

absl::StatusOr<ActionResult> RocksActionCaches::Read(std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, database_.Get(Family::kActions, key));
  if (!value.has_value()) return NoResult("this action");
  const auto bytes = OpenResult(key, *value);
  ActionResult result;
  if (bytes.has_value() && result.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) return result;
  return NoResult("this action: what was kept fails its checksum");
}

// What could not be read is looked at again where nobody can change it.
absl::StatusOr<ActionResult> RocksActionCaches::Forget(std::string_view key) {
  PresenceIndex::Claim claim = uses_.index().Wait(ActionPresenceKey(key));
  if (!claim.Get().has_value()) return NoResult("this action");
  auto result = Read(key);
  if (!absl::IsNotFound(result.status())) return result;
  claim.Erase();
  LOG(WARNING) << "a result is corrupt or lost: forgotten";
  RocksDatabase::Batch batch(database_);
  batch.Delete(Family::kActions, key);
  batch.Delete(Family::kActionRows, key);
  RETURN_IF_ERROR(database_.Write(batch, Durability::kProcess));
  return result;
}

absl::Status RocksActionCaches::Put(std::string_view instance, const Digest& action, const ActionResult& result) {
  const std::string key = ActionKey(instance, action);
  const std::string bytes = result.SerializeAsString();
  const auto size = static_cast<std::int64_t>(bytes.size());
  PresenceIndex::Claim claim = uses_.index().Wait(ActionPresenceKey(key));
  ASSIGN_OR_RETURN(const Space::Room room, space_.Admit(size));
  RocksDatabase::Batch batch(database_);
  batch.Put(Family::kActions, key, SealResult(key, bytes));
  PresenceIndex::Entry entry = uses_.Begin(Place::kResult, size, key, batch);
  std::optional<RocksOutbox::Ticket> ticket;
  if (outbox_ != nullptr) ticket.emplace(outbox_->Add(batch, Outbox::Kind::kAction, instance, action, size));
  SMELT_KILL_POINT("rocks.action.before_batch");
  RETURN_IF_ERROR(space_.Note(database_.Write(batch, Durability::kMachine)));
  SMELT_KILL_POINT("rocks.action.after_batch");
  entry.pending = ticket.has_value() ? 1 : 0;
  if (ticket.has_value()) ticket->Written(size);
  claim.Set(entry);
  return absl::OkStatus();
}

}  // namespace smelt
