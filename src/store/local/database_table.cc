#include "src/store/local/database_table.h"

#include <glog/logging.h>

namespace smelt {

using Family = Database::Family;

DatabaseTable::DatabaseTable(Database& database, Gate& gate, std::string_view name)
    : database_(database), gate_(gate), prefix_(std::string(name) + '\0') {}

std::optional<std::string> DatabaseTable::Get(std::string_view key) {
  const Gate::Pass pass = gate_.Enter();
  auto value = database_.Get(Family::kTables, FullKey(key));
  if (value.ok()) return *std::move(value);
  LOG(WARNING) << value.status();
  return std::nullopt;
}

absl::Status DatabaseTable::Put(std::string_view key, std::string_view value) {
  const Gate::Pass pass = gate_.Enter();
  return database_.Put(Family::kTables, FullKey(key), value);
}

absl::Status DatabaseTable::Delete(std::string_view key) {
  const Gate::Pass pass = gate_.Enter();
  return database_.Delete(Family::kTables, FullKey(key));
}

void DatabaseTable::ForEach(const std::function<bool(std::string_view key, std::string_view value)>& visit) {
  const Gate::Pass pass = gate_.Enter();
  const absl::Status status = database_.ForEach(
      Family::kTables, prefix_,
      [&](std::string_view key, std::string_view value) { return visit(key.substr(prefix_.size()), value); });
  if (!status.ok()) LOG(WARNING) << status;
}

std::string DatabaseTable::FullKey(std::string_view key) const {
  std::string full = prefix_;
  full += key;
  return full;
}

}  // namespace smelt
