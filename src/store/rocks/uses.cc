#include "src/store/rocks/uses.h"

#include <glog/logging.h>

#include <algorithm>
#include <string>

#include "src/base/status_macros.h"
#include "src/store/digest_key.h"
#include "src/store/rocks/rocks_action_caches.h"

namespace smelt {
namespace {

constexpr std::int64_t kGranularitySeconds = 3600;

// Where the rows of a part begin.
std::string FirstKeyOf(unsigned part) {
  const unsigned bits = part << (16 - PresenceIndex::kPartBits);
  return {static_cast<char>(bits >> 8), static_cast<char>(bits)};
}

std::string RowOf(const PresenceIndex::Entry& entry) {
  return Encode(Row{.place = static_cast<Place>(entry.place),
                    .used_until = entry.used_until,
                    .bytes = static_cast<std::int64_t>(entry.bytes)});
}

}  // namespace

std::uint32_t Uses::Granularity() const {
  return static_cast<std::uint32_t>(std::min(kGranularitySeconds, lease_seconds_ / 3));
}

absl::Status Uses::Load(bool lease_all) {
  return database_.ForEach(rows_, "", "", [&](std::string_view key, std::string_view value) {
    const auto row = DecodeRow(value);
    if (row.has_value()) index_.Add(ActionPresenceKey(key), EntryOf(*row, lease_all));
    return true;
  });
}

absl::StatusOr<PresenceIndex::Entries> Uses::ReadPart(unsigned part, bool lease_all, const IsHere& is_here) {
  PresenceIndex::Entries entries;
  const std::string to = part + 1 == PresenceIndex::kParts ? "" : FirstKeyOf(part + 1);
  RETURN_IF_ERROR(database_.ForEach(rows_, FirstKeyOf(part), to, [&](std::string_view key, std::string_view value) {
    const auto row = DecodeRow(value);
    const auto digest = DigestOfKey(key);
    if (row.has_value() && digest.has_value() && digest->size == row->bytes && is_here(*digest, row->place)) {
      entries.emplace_back(PresenceIndex::KeyOf(*digest), EntryOf(*row, lease_all));
    }
    return true;
  }));
  return entries;
}

PresenceIndex::Entry Uses::EntryOf(const Row& row, bool lease_all) const {
  PresenceIndex::Entry entry;
  entry.bytes = static_cast<std::uint64_t>(row.bytes);
  entry.place = static_cast<std::uint64_t>(row.place);
  const auto now = static_cast<std::uint32_t>(Now());
  entry.used_until = std::min(row.used_until, now + Granularity());  // written before the clock was set back
  entry.used = lease_all ? std::max<std::uint32_t>(entry.used_until, now) : entry.used_until;
  return entry;
}

std::optional<PresenceIndex::Entry> Uses::Use(const PresenceIndex::Key& key, const RowKey& row_key,
                                              std::optional<RocksDatabase::Batch>& batch) {
  const auto found = index_.Use(key, static_cast<std::uint32_t>(Now()), Granularity());
  if (!found.has_value()) return std::nullopt;
  if (found->row_due) {
    if (!batch.has_value()) batch.emplace(database_);
    batch->Put(rows_, row_key(), RowOf(found->entry));
  }
  return found->entry;
}

std::optional<PresenceIndex::Entry> Uses::Use(const PresenceIndex::Key& key, const RowKey& row_key) {
  std::optional<RocksDatabase::Batch> batch;
  auto entry = Use(key, row_key, batch);
  WriteRows(batch);
  return entry;
}

PresenceIndex::Entry Uses::Begin(Place place, std::int64_t bytes, std::string_view row_key,
                                 RocksDatabase::Batch& batch) {
  PresenceIndex::Entry entry;
  entry.bytes = static_cast<std::uint64_t>(bytes);
  entry.place = static_cast<std::uint64_t>(place);
  entry.used = static_cast<std::uint32_t>(Now());
  entry.used_until = entry.used + Granularity();
  batch.Put(rows_, row_key, RowOf(entry));
  return entry;
}

void Uses::WriteRows(std::optional<RocksDatabase::Batch>& batch) {
  if (!batch.has_value()) return;
  const absl::Status written = database_.Write(*batch, RocksDatabase::Durability::kProcess);
  if (!written.ok()) LOG(WARNING) << "leases were not written down: " << written;
}

}  // namespace smelt
