#include "src/store/s3/pack_reader.h"

#include <algorithm>

#include "fmt/format.h"

namespace smelt {

// Which blocks there are already, and which this thread is to read: those up to `last`, and up to `ahead` as long as
// nobody else has them.
PackReader::Wanted PackReader::Claim(const BucketIndex::Place& place, std::int64_t first, std::int64_t last,
                                     std::int64_t ahead) {
  Wanted wanted;
  for (std::int64_t number = first; number <= ahead; ++number) {
    const Key key(place.pack, number);
    auto found = blocks_.find(key);
    if (found != blocks_.end() && number > last) break;
    if (found == blocks_.end()) {
      by_use_.push_front(key);
      found = blocks_.emplace(key, Held{std::make_shared<Block>(), by_use_.begin()}).first;
      wanted.ours.emplace_back(number, found->second.block);
    } else {
      by_use_.splice(by_use_.begin(), by_use_, found->second.used);
    }
    if (number <= last) wanted.blocks.push_back(found->second.block);
  }
  return wanted;
}

void PackReader::FetchRun(const BucketIndex::Place& place, const Wanted& wanted, std::size_t begin, std::size_t end) {
  const std::int64_t from = wanted.ours[begin].first * kBlockBytes;
  const std::int64_t to = std::min((wanted.ours[end - 1].first + 1) * kBlockBytes, place.pack_size);
  const absl::StatusOr<Bytes> got = objects_.Get(place.pack, from, to - from);
  absl::StatusOr<std::string> bytes = got.ok() ? got->ReadAll() : absl::StatusOr<std::string>(got.status());
  if (bytes.ok() && static_cast<std::int64_t>(bytes->size()) != to - from) {
    bytes = absl::OutOfRangeError(fmt::format("{} is shorter than its index says", place.pack));
  }
  const std::lock_guard lock(mu_);
  for (std::size_t i = begin; i < end; ++i) {
    const auto& [number, block] = wanted.ours[i];
    block->done = true;
    block->status = bytes.status();
    const auto held = blocks_.find(Key(place.pack, number));
    const bool is_held = held != blocks_.end() && held->second.block == block;
    if (bytes.ok()) {
      block->bytes = bytes->substr(static_cast<std::size_t>(number * kBlockBytes - from), kBlockBytes);
      if (is_held) cached_bytes_ += static_cast<std::int64_t>(block->bytes.size());
    } else if (is_held) {
      by_use_.erase(held->second.used);
      blocks_.erase(held);
    }
  }
  Shrink();
  done_.notify_all();
}

void PackReader::Fetch(const BucketIndex::Place& place, const Wanted& wanted) {
  for (std::size_t begin = 0; begin < wanted.ours.size();) {
    std::size_t end = begin + 1;
    while (end < wanted.ours.size() && wanted.ours[end].first == wanted.ours[end - 1].first + 1) ++end;
    FetchRun(place, wanted, begin, end);
    begin = end;
  }
}

void PackReader::Shrink() {
  for (auto it = by_use_.end(); cached_bytes_ > cache_bytes_max_ && it != by_use_.begin();) {
    --it;
    const auto held = blocks_.find(*it);
    if (!held->second.block->done) continue;
    cached_bytes_ -= static_cast<std::int64_t>(held->second.block->bytes.size());
    blocks_.erase(held);
    it = by_use_.erase(it);
  }
}

absl::StatusOr<std::string> PackReader::Read(const BucketIndex::Place& place) {
  if (place.stored_size == 0) return std::string();
  const std::int64_t first = place.offset / kBlockBytes;
  const std::int64_t last = (place.offset + place.stored_size - 1) / kBlockBytes;
  std::unique_lock lock(mu_);
  const auto known = blocks_.lower_bound(Key(place.pack, 0));
  const bool again = known != blocks_.end() && known->first.first == place.pack;
  const std::int64_t end = std::min(place.pack_size, place.offset + kAheadBytes) - 1;
  const Wanted wanted = Claim(place, first, last, again ? std::max(last, end / kBlockBytes) : last);
  lock.unlock();
  Fetch(place, wanted);
  lock.lock();
  done_.wait(lock, [&] {
    return std::all_of(wanted.blocks.begin(), wanted.blocks.end(), [](const auto& block) { return block->done; });
  });
  std::string bytes;
  for (const auto& block : wanted.blocks) {
    if (!block->status.ok()) return block->status;
    bytes += block->bytes;
  }
  return bytes.substr(static_cast<std::size_t>(place.offset - first * kBlockBytes),
                      static_cast<std::size_t>(place.stored_size));
}

void PackReader::Drop(const BucketIndex::Place& place) {
  const std::lock_guard lock(mu_);
  const std::int64_t last = (place.offset + place.stored_size - 1) / kBlockBytes;
  for (std::int64_t number = place.offset / kBlockBytes; number <= last; ++number) {
    const auto held = blocks_.find(Key(place.pack, number));
    if (held == blocks_.end() || !held->second.block->done) continue;
    cached_bytes_ -= static_cast<std::int64_t>(held->second.block->bytes.size());
    by_use_.erase(held->second.used);
    blocks_.erase(held);
  }
}

}  // namespace smelt
