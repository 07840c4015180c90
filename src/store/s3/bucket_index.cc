#include "src/store/s3/bucket_index.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <tuple>
#include <utility>

#include "src/store/s3/bucket_format.h"

namespace smelt {
namespace {

Digest NameOf(const bucket::v1::Payload& payload) {
  Digest name;
  std::memcpy(name.hash.data(), payload.hash().data(), name.hash.size());
  name.size = payload.size();
  return name;
}

}  // namespace

std::uint32_t BucketIndex::NumberOf(const std::string& key) {
  const auto [found, added] = numbers_.try_emplace(key, static_cast<std::uint32_t>(packs_.size()));
  if (added) packs_.emplace_back().state.key = key;
  return found->second;
}

bool BucketIndex::IsLater(const Pack& a, const Pack& b) const {
  if (b.gone || b.state.Condemned()) return true;
  return std::tie(a.state.sealed_ns, a.state.key) > std::tie(b.state.sealed_ns, b.state.key);
}

void BucketIndex::AddPack(const bucket::v1::Pack& added) {
  const std::uint32_t number = NumberOf(added.key());
  Pack& pack = packs_[number];
  if (std::exchange(pack.described, true)) return;
  pack.state.size = added.size();
  pack.state.sealed_ns = added.sealed_ns();
  pack.state.payloads = added.payloads_size();
  const bool has_own_object = IsBlobKey(added.key());
  for (const bucket::v1::Payload& payload : added.payloads()) {
    if (!has_own_object && payload.stored_size() > kPackedBytesMax) continue;
    Slot slot{number, 0, 0, payload.zstd(), payload.offset() == 0 && payload.stored_size() == added.size()};
    if (!slot.whole) {
      if (payload.offset() + payload.stored_size() > std::numeric_limits<std::uint32_t>::max()) continue;
      slot.offset = static_cast<std::uint32_t>(payload.offset());
      slot.stored_size = static_cast<std::uint32_t>(payload.stored_size());
    }
    const auto [held, fresh] = slots_.try_emplace(NameOf(payload), slot);
    if (!fresh && (held->second.pack == number || IsLater(pack, packs_[held->second.pack]))) held->second = slot;
  }
}

void BucketIndex::Add(const bucket::v1::Index& index) {
  const std::lock_guard lock(mu_);
  for (const bucket::v1::Mark& mark : index.marks()) {
    PackState& state = packs_[NumberOf(mark.key())].state;
    state.used_ns = std::max(state.used_ns, mark.used_ns());
    state.condemned_ns = std::max(state.condemned_ns, mark.condemned_ns());
  }
  for (const bucket::v1::Pack& pack : index.packs()) AddPack(pack);
}

std::optional<BucketIndex::Place> BucketIndex::Find(const Digest& name, std::int64_t touch_before_ns, bool complete) {
  const std::lock_guard lock(mu_);
  const auto found = slots_.find(name);
  if (found == slots_.end()) return std::nullopt;
  const Slot& slot = found->second;
  Pack& pack = packs_[slot.pack];
  if (pack.gone || pack.state.Condemned()) return std::nullopt;
  const bool is_young = pack.state.LastUse() >= touch_before_ns;
  if (complete && !is_young && !std::exchange(pack.used, true)) used_.push_back(slot.pack);
  Place place{pack.state.key, pack.state.size, pack.state.sealed_ns, slot.offset, slot.stored_size, slot.zstd};
  if (slot.whole) place.stored_size = pack.state.size;
  place.stays = complete || is_young;
  return place;
}

void BucketIndex::Forget(const Digest& name, const std::string& pack) {
  const std::lock_guard lock(mu_);
  const auto found = slots_.find(name);
  if (found != slots_.end() && packs_[found->second.pack].state.key == pack) slots_.erase(found);
}

void BucketIndex::ForgetPack(const std::string& pack) {
  const std::lock_guard lock(mu_);
  packs_[NumberOf(pack)].gone = true;
}

std::vector<std::string> BucketIndex::TakeUsed() {
  const std::lock_guard lock(mu_);
  std::vector<std::string> keys;
  for (const std::uint32_t number : std::exchange(used_, {})) {
    packs_[number].used = false;
    if (!packs_[number].gone) keys.push_back(packs_[number].state.key);
  }
  return keys;
}

std::vector<BucketIndex::PackState> BucketIndex::Packs() const {
  const std::lock_guard lock(mu_);
  std::vector<PackState> states;
  for (const Pack& pack : packs_) {
    if (!pack.gone) states.push_back(pack.state);
  }
  return states;
}

std::size_t BucketIndex::size() const {
  const std::lock_guard lock(mu_);
  return slots_.size();
}

}  // namespace smelt
