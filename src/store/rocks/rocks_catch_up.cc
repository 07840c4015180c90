#include "src/store/rocks/rocks_catch_up.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "src/base/status_macros.h"
#include "src/store/rocks/row.h"

namespace smelt {
namespace {

constexpr unsigned kReadersMax = 8;

}  // namespace

absl::Status RocksCatchUp::Run(const Stop& stop) {
  const std::lock_guard lock(mu_);
  RETURN_IF_ERROR(ReadIndex(stop));
  return stray_files_ ? RemoveStrayFiles(stop) : absl::OkStatus();
}

absl::Status RocksCatchUp::ReadIndex(const Stop& stop) {
  if (blobs_.filled()) return absl::OkStatus();
  std::atomic<unsigned> next = 0;
  std::vector<absl::Status> statuses(std::clamp(std::thread::hardware_concurrency(), 1u, kReadersMax));
  std::vector<std::thread> readers;
  for (absl::Status& status : statuses) {
    readers.emplace_back([&] {
      for (unsigned place = next++; place < PresenceIndex::kParts && !stop(); place = next++) {
        const Gate::Pass pass = gate_.Enter();
        status.Update(blobs_.Fill(PresenceIndex::PartInOrder(place)));
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

absl::Status RocksCatchUp::RemoveStrayFiles(const Stop& stop) {
  for (unsigned shard = 0; shard < DurableFiles::kShards && !stop(); ++shard) {
    const Gate::Pass pass = gate_.Enter();
    if (!stray_files_) return absl::OkStatus();
    RETURN_IF_ERROR(files_.ForEachIn(shard, [this](const Digest& digest) { return RemoveUnlessKnown(digest); }));
  }
  stray_files_ = stop();
  return absl::OkStatus();
}

absl::Status RocksCatchUp::RemoveUnlessKnown(const Digest& digest) {
  const PresenceIndex::Key key = PresenceIndex::KeyOf(digest);
  RETURN_IF_ERROR(blobs_.FillFor(key));
  const PresenceIndex::Claim claim = blobs_.Wait(key);
  const auto entry = claim.Get();
  const bool known = entry.has_value() && static_cast<Place>(entry->place) == Place::kFile &&
                     static_cast<std::int64_t>(entry->bytes) == digest.size;
  return known ? absl::OkStatus() : files_.Remove(digest);
}

}  // namespace smelt
