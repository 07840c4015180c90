#include "src/store/s3/bucket_index.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "absl/hash/hash.h"
#include "src/store/s3/bucket_format.h"

namespace smelt {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kPart = 8;             // of what there is is left out at once
constexpr std::size_t kKeyBytesInPlace = 15;  // of a std::string
constexpr std::size_t kAllocationBytes = 16;  // beside what it is for
constexpr std::size_t kSmallTableCapacity = 16;

Digest NameOf(const bucket::v1::Payload& payload) {
  Digest name;
  std::memcpy(name.hash.data(), payload.hash().data(), name.hash.size());
  name.size = payload.size();
  return name;
}

template <typename Table>
std::int64_t TableBytes(std::size_t capacity) {
  return capacity == 0 ? 0 : static_cast<std::int64_t>(capacity * (sizeof(typename Table::value_type) + 1) + 32);
}

template <typename Table>
std::int64_t TableBytes(const Table& table) {
  return TableBytes<Table>(table.capacity());
}

// What a table takes beside what it has, if one more makes it grow. It does not while it is so full at most, be that
// with what was erased: then it is put in order in its place.
template <typename Table>
std::int64_t GrowthFor(const Table& table) {
  if (table.capacity() > kSmallTableCapacity && (table.size() + 1) * 32 <= table.capacity() * 25) return 0;
  return TableBytes<Table>(2 * table.capacity() + 1);
}

using Shares = std::array<std::uint8_t, 4096>;

// Which of `parts` tables has which share of what there is: the last has twice the first's. So they double one after
// the other as they fill, and all of them together grow evenly.
Shares SharesOf(std::size_t parts) {
  Shares shares;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double at = static_cast<double>(i) / static_cast<double>(shares.size());
    shares[i] = static_cast<std::uint8_t>(std::log2(1 + at) * static_cast<double>(parts));
  }
  return shares;
}

}  // namespace

struct BucketIndex::Victim {
  int rank = 0;
  std::int64_t last_ns = 0;
  std::uint32_t number = 0;
};

// By one end of the hash, since the tables use the other.
BucketIndex::Slots& BucketIndex::PartOf(const Digest& name) {
  static_assert(sizeof(std::size_t) == 8);
  static const Shares kShares = SharesOf(kSlotParts);
  return slots_[kShares[absl::Hash<Digest>()(name) >> 52]];
}

bool BucketIndex::MakeRoom(Need need, absl::FunctionRef<std::int64_t()> bytes) {
  const auto has_room = [&] {
    const std::int64_t more = bytes();
    const std::int64_t of_its_kind = more + (need == Need::kPack ? pack_bytes_ : slot_bytes_);
    const std::int64_t kind_max = need == Need::kPack ? bytes_max_ / 2 : bytes_max_ - bytes_max_ / kPart;
    return more == 0 || (of_its_kind <= kind_max && slot_bytes_ + pack_bytes_ + more <= bytes_max_);
  };
  ++wanted_[static_cast<std::size_t>(need)];
  if (has_room()) return true;
  LeaveOut(need);
  return has_room();
}

// Nothing if there is no room for it.
std::optional<std::uint32_t> BucketIndex::NumberOf(const std::string& key) {
  if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
  if (!MakeRoom(Need::kPack, [&] { return PackBytes(key) + GrowthFor(numbers_); })) return std::nullopt;
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(packs_.size()));
    packs_.emplace_back();
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  packs_[number].key = key;
  pack_bytes_ += PackBytes(key) - TableBytes(numbers_);
  numbers_.emplace(packs_[number].key, number);
  pack_bytes_ += TableBytes(numbers_);
  return number;
}

std::int64_t BucketIndex::PackBytes(const std::string& key) {
  const std::size_t key_bytes = key.size() > kKeyBytesInPlace ? key.size() + kAllocationBytes : 0;
  return static_cast<std::int64_t>(sizeof(Pack) + sizeof(void*) + key_bytes);
}

void BucketIndex::Drop(std::uint32_t number) {
  Pack& pack = packs_[number];
  numbers_.erase(pack.key);
  pack_bytes_ -= PackBytes(pack.key);
  pack = Pack();
  free_.push_back(number);
}

// Those that may go, in that order.
std::vector<BucketIndex::Victim> BucketIndex::Victims(Need need) const {
  std::vector<Victim> victims;
  const std::int64_t held_since_ns = clock_.NowNanos() - kHeldSeconds * kSecond;
  for (std::uint32_t number = 0; number < packs_.size(); ++number) {
    const Pack& pack = packs_[number];
    if (pack.key.empty() || number == adding_ || (need == Need::kPayload && pack.slots == 0)) continue;
    const bool is_useless = pack.gone || pack.Condemned();
    const int rank = is_useless ? 0 : pack.held_ns <= held_since_ns ? 1 : 2;
    victims.push_back({rank, std::max(pack.held_ns, std::min(pack.LastUse(), pack.told_ns)), number});
  }
  std::sort(victims.begin(), victims.end(),
            [](const Victim& a, const Victim& b) { return std::tie(a.rank, a.last_ns) < std::tie(b.rank, b.last_ns); });
  return victims;
}

// All slots are looked at, so not before a good part of them is new.
void BucketIndex::LeaveOut(Need need) {
  const std::int64_t held = need == Need::kPack ? static_cast<std::int64_t>(numbers_.size()) : payloads_;
  if (wanted_[static_cast<std::size_t>(need)] < held / (2 * kPart)) return;
  wanted_[static_cast<std::size_t>(need)] = 0;
  std::vector<std::uint32_t> dropped;
  std::int64_t freed = 0;
  for (const Victim& victim : Victims(need)) {
    if (freed > held / kPart) break;
    Pack& pack = packs_[victim.number];
    freed += need == Need::kPack ? 1 : pack.slots;
    if (victim.rank > 0 && pack.slots > 0) floor_ns_ = std::max(floor_ns_, victim.last_ns);
    if (victim.rank > 0) left_out_ += pack.slots;
    payloads_ -= std::exchange(pack.slots, 0);
    pack.left_out = true;
    if (need == Need::kPayload && pack.condemned_ns != 0) continue;
    marks_left_out_ = marks_left_out_ || pack.condemned_ns != 0;
    dropped.push_back(victim.number);
  }
  for (Slots& part : slots_) {
    absl::erase_if(part, [&](const auto& entry) { return packs_[entry.second.pack].left_out; });
  }
  std::erase_if(used_, [&](std::uint32_t number) { return packs_[number].left_out; });
  for (const std::uint32_t number : dropped) Drop(number);
}

bool BucketIndex::IsLater(const Pack& a, const Pack& b) const {
  if (b.gone || b.Condemned()) return true;
  return std::tie(a.sealed_ns, a.key) > std::tie(b.sealed_ns, b.key);
}

void BucketIndex::AddPayload(const bucket::v1::Payload& payload, std::uint32_t number, bool has_own_object) {
  const Pack& pack = packs_[number];
  if (!has_own_object && payload.stored_size() > kPackedBytesMax) return;
  Slot slot{number, 0, 0, payload.zstd(), payload.offset() == 0 && payload.stored_size() == pack.size};
  if (!slot.whole) {
    if (payload.offset() + payload.stored_size() > std::numeric_limits<std::uint32_t>::max()) return;
    slot.offset = static_cast<std::uint32_t>(payload.offset());
    slot.stored_size = static_cast<std::uint32_t>(payload.stored_size());
  }
  const Digest name = NameOf(payload);
  Slots& part = PartOf(name);
  if (const auto held = part.find(name); held != part.end()) {
    const std::uint32_t other = held->second.pack;
    if (other != number && !IsLater(pack, packs_[other])) return;
    held->second = slot;
    --packs_[other].slots;
    ++packs_[number].slots;
    return;
  }
  if (!MakeRoom(Need::kPayload, [&] { return GrowthFor(part); })) {
    ++left_out_;
    return;
  }
  slot_bytes_ -= TableBytes(part);
  part.emplace(name, slot);
  slot_bytes_ += TableBytes(part);
  ++packs_[number].slots;
  ++payloads_;
}

// What is older than what was left out is left out too.
bool BucketIndex::TakesIn(const bucket::v1::Pack& added, By by) {
  const auto known = numbers_.find(added.key());
  if (known != numbers_.end() && packs_[known->second].described) return false;
  std::int64_t last_ns = added.sealed_ns();
  if (known != numbers_.end()) last_ns = std::max(last_ns, packs_[known->second].used_ns);
  if (by == By::kUs || floor_ns_ == 0 || last_ns >= floor_ns_) return true;
  left_out_ += added.payloads_size();
  return false;
}

void BucketIndex::Add(const bucket::v1::Pack& added, By by) {
  const std::lock_guard lock(mu_);
  if (!TakesIn(added, by)) return;
  adding_ = NumberOf(added.key());
  if (!adding_) {
    left_out_ += added.payloads_size();
    return;
  }
  Pack& pack = packs_[*adding_];
  pack.described = true;
  pack.told_ns = clock_.NowNanos();
  if (by == By::kUs) pack.held_ns = pack.told_ns;
  pack.size = added.size();
  pack.sealed_ns = added.sealed_ns();
  const bool has_own_object = IsBlobKey(pack.key);
  for (const bucket::v1::Payload& payload : added.payloads()) AddPayload(payload, *adding_, has_own_object);
  adding_.reset();
}

void BucketIndex::Add(const bucket::v1::Mark& mark) {
  const std::lock_guard lock(mu_);
  const std::optional<std::uint32_t> number = NumberOf(mark.key());
  if (!number) {
    marks_left_out_ = true;
    return;
  }
  Pack& pack = packs_[*number];
  pack.told_ns = clock_.NowNanos();
  pack.Add(mark);
}

std::optional<BucketIndex::Place> BucketIndex::Find(const Digest& name, std::int64_t touch_before_ns, bool complete) {
  const std::lock_guard lock(mu_);
  const Slots& part = PartOf(name);
  const auto found = part.find(name);
  if (found == part.end()) return std::nullopt;
  const Slot& slot = found->second;
  Pack& pack = packs_[slot.pack];
  if (pack.gone || pack.Condemned()) return std::nullopt;
  const bool is_young = pack.LastUse() >= touch_before_ns;
  Place place{pack.key, pack.size, pack.sealed_ns, slot.offset, slot.stored_size, slot.zstd};
  if (slot.whole) place.stored_size = pack.size;
  place.stays = is_young || (complete && !marks_left_out_);
  if (place.stays) pack.held_ns = clock_.NowNanos();
  if (place.stays && !is_young && !std::exchange(pack.used, true)) used_.push_back(slot.pack);
  return place;
}

void BucketIndex::Forget(const Digest& name, const std::string& pack) {
  const std::lock_guard lock(mu_);
  Slots& part = PartOf(name);
  const auto found = part.find(name);
  if (found == part.end() || packs_[found->second.pack].key != pack) return;
  --packs_[found->second.pack].slots;
  --payloads_;
  part.erase(found);
}

void BucketIndex::ForgetPack(const std::string& pack) {
  const std::lock_guard lock(mu_);
  const auto found = numbers_.find(pack);
  if (found != numbers_.end()) packs_[found->second].gone = true;
}

std::vector<std::string> BucketIndex::TakeUsed() {
  const std::lock_guard lock(mu_);
  std::vector<std::string> keys;
  for (const std::uint32_t number : std::exchange(used_, {})) {
    packs_[number].used = false;
    if (!packs_[number].gone) keys.push_back(packs_[number].key);
  }
  return keys;
}

BucketIndex::Usage BucketIndex::GetUsage() const {
  const std::lock_guard lock(mu_);
  return {payloads_, slot_bytes_ + pack_bytes_, left_out_};
}

}  // namespace smelt
