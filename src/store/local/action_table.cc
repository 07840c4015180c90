#include "src/store/local/action_table.h"

#include <glog/logging.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/store/digest_key.h"
#include "src/store/result_digests.h"
#include "src/store/row_checksum.h"

namespace smelt {
namespace {

using Family = Database::Family;
using ActionResult = ActionCache::ActionResult;

bool Decode(std::string_view key, std::string_view value, ActionResult& result) {
  if (value.size() < kRowChecksumBytes) return false;
  const std::string_view bytes = value.substr(kRowChecksumBytes);
  return value.substr(0, kRowChecksumBytes) == RowChecksum(key, bytes) &&
         result.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

absl::StatusOr<ActionResult> ActionTable::Get(const Digest& action) {
  const std::string key = DigestKey(action);
  ASSIGN_OR_RETURN(const std::optional<std::string> value, database_.Get(Family::kActions, key));
  if (!value.has_value()) return absl::NotFoundError(fmt::format("no result of action {}", action.ToString()));
  ActionResult result;
  if (Decode(key, *value, result)) return result;
  LOG(WARNING) << "the result of action " << action.ToString() << " is corrupt: forgotten";
  RETURN_IF_ERROR(Forget(key));
  return absl::NotFoundError(fmt::format("the result of action {} was corrupt", action.ToString()));
}

absl::Status ActionTable::Put(const Digest& action, const ActionResult& result) {
  const std::string key = DigestKey(action);
  const std::string bytes = result.SerializeAsString();
  const std::string value = RowChecksum(key, bytes) + bytes;
  SMELT_KILL_POINT("store.action.before_put");
  {
    const std::lock_guard lock(mu_);
    ASSIGN_OR_RETURN(const std::optional<std::string> known, database_.Get(Family::kActions, key));
    RETURN_IF_ERROR(database_.Put(Family::kActions, key, value));
    if (!known.has_value()) ++actions_;
  }
  SMELT_KILL_POINT("store.action.after_put");
  return absl::OkStatus();
}

absl::Status ActionTable::Forget(std::string_view key) {
  const std::lock_guard lock(mu_);
  ASSIGN_OR_RETURN(const std::optional<std::string> known, database_.Get(Family::kActions, key));
  if (!known.has_value()) return absl::OkStatus();
  RETURN_IF_ERROR(database_.Delete(Family::kActions, key));
  --actions_;
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> ActionTable::RemoveThatNeed(const std::function<bool(const Digest&)>& gone, bool dry_run) {
  std::vector<std::string> keys;
  RETURN_IF_ERROR(database_.ForEach(Family::kActions, "", [&](std::string_view key, std::string_view value) {
    ActionResult result;
    const bool readable = Decode(key, value, result);
    const auto needed = DigestsIn(result);
    if (!readable || !needed.ok() || std::any_of(needed->begin(), needed->end(), gone)) keys.emplace_back(key);
    return true;
  }));
  if (dry_run) return static_cast<std::int64_t>(keys.size());
  for (const std::string& key : keys) RETURN_IF_ERROR(Forget(key));
  return static_cast<std::int64_t>(keys.size());
}

absl::Status ActionTable::Count(const Database::Snapshot& snapshot) {
  return database_.ForEach(
      Family::kActions, "",
      [this](std::string_view, std::string_view) {
        ++actions_;
        return true;
      },
      &snapshot);
}

}  // namespace smelt
