#include "src/store/rocks/presence_index.h"

#include <algorithm>
#include <utility>

#include "src/base/status_macros.h"

namespace smelt {

static_assert(sizeof(PresenceIndex::Entry) == 16);

namespace {

// So that keys are in the order of their digests.
std::uint64_t FirstWord(const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < sizeof(word); ++i) word = word << 8 | bytes[i];
  return word;
}

unsigned Clamp(int pending) {
  return static_cast<unsigned>(std::clamp(pending, 0, static_cast<int>(PresenceIndex::kPendingMax)));
}

}  // namespace

PresenceIndex::Key PresenceIndex::KeyOf(const Digest& digest) {
  return {.high = FirstWord(digest.hash.data()), .low = FirstWord(digest.hash.data() + sizeof(std::uint64_t))};
}

void PresenceIndex::Reset(bool filled) {
  unfilled_ = filled ? 0 : kParts;
  for (Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mu);
    stripe.entries.clear();
    stripe.pending.clear();
    stripe.unfilled = filled ? 0 : ~0ULL;
  }
  entries_ = 0;
  bytes_ = 0;
}

void PresenceIndex::Clear() { Reset(/*filled=*/true); }

void PresenceIndex::FillLater(Read read) {
  Reset(/*filled=*/false);
  read_ = std::move(read);
}

absl::Status PresenceIndex::Fill(unsigned part) {
  const std::lock_guard lock(StripeOf(part).mu);
  return FillLocked(part);
}

absl::Status PresenceIndex::FillAll() {
  absl::Status status;
  for (unsigned part = 0; part < kParts; ++part) status.Update(Fill(part));
  return status;
}

absl::Status PresenceIndex::FillLocked(unsigned part) {
  if (IsFilledLocked(part)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Entries entries, read_(part));
  Stripe& stripe = StripeOf(part);
  if (stripe.unfilled.all()) stripe.entries.reserve(kPartsOfStripe * entries.size());
  for (const auto& [key, entry] : entries) AddLocked(stripe, key, entry);
  stripe.unfilled.reset(part % kPartsOfStripe);
  if (stripe.unfilled.none()) stripe.pending.clear();
  --unfilled_;
  return absl::OkStatus();
}

std::unique_lock<std::mutex> PresenceIndex::LockFilled(const Key& key) {
  std::unique_lock lock(StripeOf(key).mu);
  FillLocked(PartOf(key)).IgnoreError();
  return lock;
}

void PresenceIndex::Add(const Key& key, const Entry& entry) {
  Stripe& stripe = StripeOf(key);
  const std::lock_guard lock(stripe.mu);
  AddLocked(stripe, key, entry);
}

void PresenceIndex::AddLocked(Stripe& stripe, const Key& key, const Entry& entry) {
  const auto [added, is_new] = stripe.entries.try_emplace(key, entry);
  if (!is_new) return;
  bytes_ += static_cast<std::int64_t>(entry.bytes);
  ++entries_;
  const auto pending = stripe.pending.find(key);
  if (pending != stripe.pending.end()) added->second.pending = Clamp(pending->second);
}

std::optional<PresenceIndex::Found> PresenceIndex::Use(const Key& key, std::uint32_t now, std::uint32_t granularity) {
  const auto lock = LockFilled(key);
  Stripe& stripe = StripeOf(key);
  const auto found = stripe.entries.find(key);
  if (found == stripe.entries.end()) return std::nullopt;
  Entry& entry = found->second;
  entry.used = std::max(entry.used, now);
  const bool row_due = entry.used > entry.used_until;
  if (row_due) entry.used_until = entry.used + granularity;
  return Found{.entry = entry, .row_due = row_due};
}

PresenceIndex::Claim PresenceIndex::Wait(const Key& key) {
  auto lock = LockFilled(key);
  Stripe& stripe = StripeOf(key);
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
  const auto lock = LockFilled(key);
  Stripe& stripe = StripeOf(key);
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
  if (found == stripe.entries.end()) {
    if (!IsFilledLocked(PartOf(key))) stripe.pending[key] += by;
  } else if (found->second.pending != kPendingMax) {
    found->second.pending = Clamp(static_cast<int>(found->second.pending) + by);
  }
}

void PresenceIndex::ForEach(const std::function<void(const Key& key, const Entry&)>& visit) {
  for (Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mu);
    for (const auto& [key, entry] : stripe.entries) visit(key, entry);
  }
}

}  // namespace smelt
