#include "src/store/rocks/presence_index.h"

#include <algorithm>
#include <cstring>

namespace smelt {

static_assert(sizeof(PresenceIndex::Entry) == 16);

PresenceIndex::Key PresenceIndex::KeyOf(const Digest& digest) {
  Key key;
  std::memcpy(&key.high, digest.hash.data(), sizeof(key.high));
  std::memcpy(&key.low, digest.hash.data() + sizeof(key.high), sizeof(key.low));
  return key;
}

std::optional<PresenceIndex::Found> PresenceIndex::Use(const Key& key, std::uint32_t now, std::uint32_t granularity) {
  Stripe& stripe = StripeOf(key);
  const std::lock_guard lock(stripe.mu);
  const auto found = stripe.entries.find(key);
  if (found == stripe.entries.end()) return std::nullopt;
  Entry& entry = found->second;
  entry.used = std::max(entry.used, now);
  const bool row_due = entry.used > entry.used_until;
  if (row_due) entry.used_until = entry.used + granularity;
  return Found{.entry = entry, .row_due = row_due};
}

PresenceIndex::Claim PresenceIndex::Wait(const Key& key) {
  Stripe& stripe = StripeOf(key);
  std::unique_lock lock(stripe.mu);
  stripe.released.wait(lock, [&] { return !stripe.claimed.contains(key); });
  stripe.claimed.insert(key);
  return Claim(*this, key);
}

void PresenceIndex::Release(const Key& key) {
  Stripe& stripe = StripeOf(key);
  {
    const std::lock_guard lock(stripe.mu);
    stripe.claimed.erase(key);
  }
  stripe.released.notify_all();
}

PresenceIndex::Claim::~Claim() {
  if (index_ != nullptr) index_->Release(key_);
}

std::optional<PresenceIndex::Entry> PresenceIndex::Claim::Get() const {
  Stripe& stripe = index_->StripeOf(key_);
  const std::lock_guard lock(stripe.mu);
  const auto found = stripe.entries.find(key_);
  return found == stripe.entries.end() ? std::nullopt : std::optional(found->second);
}

void PresenceIndex::Claim::Set(const Entry& entry) const {
  Stripe& stripe = index_->StripeOf(key_);
  const std::lock_guard lock(stripe.mu);
  const auto [found, is_new] = stripe.entries.try_emplace(key_);
  const unsigned pending = found->second.pending + entry.pending;
  index_->bytes_ += static_cast<std::int64_t>(entry.bytes) - static_cast<std::int64_t>(found->second.bytes);
  index_->entries_ += is_new ? 1 : 0;
  found->second = entry;
  found->second.pending = std::min(pending, kPendingMax);
}

void PresenceIndex::Claim::Erase() const {
  Stripe& stripe = index_->StripeOf(key_);
  const std::lock_guard lock(stripe.mu);
  const auto found = stripe.entries.find(key_);
  if (found == stripe.entries.end()) return;
  index_->bytes_ -= static_cast<std::int64_t>(found->second.bytes);
  --index_->entries_;
  stripe.entries.erase(found);
}

std::optional<PresenceIndex::Taken> PresenceIndex::TakeOut(const Key& key, const MayGo& may_go) {
  Stripe& stripe = StripeOf(key);
  const std::lock_guard lock(stripe.mu);
  const auto found = stripe.entries.find(key);
  if (found == stripe.entries.end() || stripe.claimed.contains(key) || !may_go(found->second)) return std::nullopt;
  const Entry entry = found->second;
  bytes_ -= static_cast<std::int64_t>(entry.bytes);
  --entries_;
  stripe.entries.erase(found);
  stripe.claimed.insert(key);
  return Taken{.claim = Claim(*this, key), .entry = entry};
}

void PresenceIndex::ChangePending(const Key& key, int by) {
  Stripe& stripe = StripeOf(key);
  const std::lock_guard lock(stripe.mu);
  const auto found = stripe.entries.find(key);
  if (found == stripe.entries.end() || found->second.pending == kPendingMax) return;
  const int pending = static_cast<int>(found->second.pending) + by;
  found->second.pending = static_cast<unsigned>(std::clamp(pending, 0, static_cast<int>(kPendingMax)));
}

void PresenceIndex::Clear() {
  for (Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mu);
    stripe.entries.clear();
  }
  entries_ = 0;
  bytes_ = 0;
}

void PresenceIndex::ForEach(const std::function<void(const Key& key, const Entry&)>& visit) {
  for (Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mu);
    for (const auto& [key, entry] : stripe.entries) visit(key, entry);
  }
}

}  // namespace smelt
