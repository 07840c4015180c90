#include "src/store/rocks/uses.h"

#include <glog/logging.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "src/store/digest_key.h"
#include "src/store/rocks/rocks_action_caches.h"
#include "src/store/rocks/row.h"

namespace smelt {
namespace {

constexpr std::int64_t kGranularitySeconds = 3600;
constexpr unsigned kFirstBytes = 256;
constexpr unsigned kLoadersMax = 8;

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
  const unsigned loaders = std::clamp(std::thread::hardware_concurrency(), 1u, kLoadersMax);
  std::vector<absl::Status> statuses(loaders);
  std::vector<std::thread> threads;
  for (unsigned loader = 0; loader < loaders; ++loader) {
    threads.emplace_back([&, loader] {
      statuses[loader] = LoadRange(kFirstBytes * loader / loaders, kFirstBytes * (loader + 1) / loaders, lease_all);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Uses::LoadRange(unsigned begin, unsigned end, bool lease_all) {
  const std::string from = begin == 0 ? "" : std::string(1, static_cast<char>(begin));
  const std::string to = end == kFirstBytes ? "" : std::string(1, static_cast<char>(end));
  return database_.ForEach(rows_, from, to, [&](std::string_view key, std::string_view value) {
    Add(key, value, lease_all);
    return true;
  });
}

void Uses::Add(std::string_view key, std::string_view value, bool lease_all) {
  const auto row = DecodeRow(value);
  if (!row.has_value()) return;
  PresenceIndex::Key presence;
  if (rows_ == RocksDatabase::Family::kBlobRows) {
    const auto digest = DigestOfKey(key);
    if (!digest.has_value() || digest->size != row->bytes) return;
    presence = PresenceIndex::KeyOf(*digest);
  } else {
    presence = ActionPresenceKey(key);
  }
  PresenceIndex::Entry entry;
  entry.bytes = static_cast<std::uint64_t>(row->bytes);
  entry.place = static_cast<std::uint64_t>(row->place);
  entry.used_until = row->used_until;
  entry.used = lease_all ? std::max(row->used_until, static_cast<std::uint32_t>(Now())) : row->used_until;
  index_.Wait(presence).Set(entry);
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
