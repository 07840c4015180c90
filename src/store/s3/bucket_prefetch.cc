#include <algorithm>
#include <atomic>
#include <thread>

#include "src/store/s3/bucket_format.h"
#include "src/store/s3/bucket_store.h"

namespace smelt {
namespace {

constexpr std::int64_t kGapBytes = 256 << 10;  // what is between two payloads is read along with them up to this
constexpr std::size_t kThreadsMax = 8;

// Payloads that lie together, as one.
std::vector<BucketIndex::Place> Joined(std::vector<BucketIndex::Place> places) {
  std::sort(places.begin(), places.end(),
            [](const auto& a, const auto& b) { return std::tie(a.pack, a.offset) < std::tie(b.pack, b.offset); });
  std::vector<BucketIndex::Place> joined;
  for (const BucketIndex::Place& place : places) {
    const std::int64_t end = place.offset + place.stored_size;
    if (!joined.empty() && joined.back().pack == place.pack &&
        place.offset <= joined.back().offset + joined.back().stored_size + kGapBytes) {
      BucketIndex::Place& last = joined.back();
      last.stored_size = std::max(last.stored_size, end - last.offset);
    } else {
      joined.push_back(place);
    }
  }
  return joined;
}

}  // namespace

void BucketStore::Prefetch(absl::Span<const Digest> digests) {
  if (!Freshen(options_.refresh_ms).ok()) return;
  std::vector<Place> places;
  for (const Digest& digest : digests) {
    const std::optional<Place> place = Find(digest);
    if (place && !IsBlobKey(place->pack)) places.push_back(*place);
  }
  places = Joined(std::move(places));
  std::int64_t room = options_.read_cache_bytes;
  const auto fits = [&](const Place& place) { return (room -= place.stored_size + PackReader::kBlockBytes) >= 0; };
  places.erase(std::find_if_not(places.begin(), places.end(), fits), places.end());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < places.size(); i = next++) packs_.Prefetch(places[i]);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < std::min(kThreadsMax, places.size()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace smelt
