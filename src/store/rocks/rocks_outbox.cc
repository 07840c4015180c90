#include "src/store/rocks/rocks_outbox.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/store/rocks/rocks_action_caches.h"
#include "src/store/rocks/row.h"

namespace smelt {
namespace {

using Durability = RocksDatabase::Durability;
using Family = RocksDatabase::Family;

}  // namespace

RocksOutbox::Ticket::~Ticket() {
  if (outbox_ != nullptr) outbox_->End(sequence_, bytes_);
}

absl::Status RocksOutbox::Load() {
  return database_.ForEach(Family::kOutbox, "", "", [this](std::string_view key, std::string_view value) {
    const auto sequence = SequenceOfKey(key);
    const auto row = DecodeOutboxRow(value);
    if (!sequence.has_value() || !row.has_value()) return true;
    if (entries_ == 0) oldest_ = *sequence;
    next_ = std::max(next_, *sequence + 1);
    ++entries_;
    bytes_ += row->bytes;
    IndexOf(row->entry.kind).ChangePending(KeyOf(row->entry), +1);
    return true;
  });
}

void RocksOutbox::Forget() {
  entries_ = 0;
  bytes_ = 0;
}

PresenceIndex::Key RocksOutbox::KeyOf(const Entry& entry) const {
  if (entry.kind == Kind::kBlob) return PresenceIndex::KeyOf(entry.digest);
  return ActionPresenceKey(ActionKey(entry.instance, entry.digest));
}

RocksOutbox::Ticket RocksOutbox::Add(RocksDatabase::Batch& batch, Kind kind, std::string_view instance,
                                     const Digest& digest, std::int64_t bytes) {
  OutboxRow row{.entry = {.kind = kind, .instance = std::string(instance), .digest = digest}, .bytes = bytes};
  row.entry.since_seconds = clock_.NowNanos() / 1'000'000'000;
  std::uint64_t sequence;
  {
    const std::lock_guard lock(mu_);
    sequence = next_++;
    in_flight_.insert(sequence);
  }
  batch.Put(Family::kOutbox, SequenceKey(sequence), Encode(row));
  return Ticket(*this, sequence);
}

void RocksOutbox::End(std::uint64_t sequence, std::int64_t bytes) {
  if (bytes >= 0) {
    ++entries_;
    bytes_ += bytes;
  }
  const std::lock_guard lock(mu_);
  in_flight_.erase(sequence);
}

std::uint64_t RocksOutbox::FirstHidden() {
  const std::lock_guard lock(mu_);
  return in_flight_.empty() ? next_ : *in_flight_.begin();
}

absl::StatusOr<std::vector<Outbox::Entry>> RocksOutbox::Next(std::uint64_t after, std::size_t entries_max) {
  std::vector<Entry> entries;
  const std::string from = SequenceKey(std::max(after + 1, oldest_.load()));
  const std::string to = SequenceKey(FirstHidden());
  if (entries_max == 0 || from >= to) return entries;
  RETURN_IF_ERROR(database_.ForEach(Family::kOutbox, from, to, [&](std::string_view key, std::string_view value) {
    const auto sequence = SequenceOfKey(key);
    auto row = DecodeOutboxRow(value);
    if (!sequence.has_value() || !row.has_value()) return true;
    row->entry.sequence = *sequence;
    entries.push_back(std::move(row->entry));
    return entries.size() < entries_max;
  }));
  return entries;
}

absl::Status RocksOutbox::Confirm(absl::Span<const std::uint64_t> sequences) {
  const std::lock_guard lock(confirm_mu_);
  RocksDatabase::Batch batch(database_);
  std::vector<OutboxRow> confirmed;
  for (std::uint64_t sequence : std::set<std::uint64_t>(sequences.begin(), sequences.end())) {
    ASSIGN_OR_RETURN(const auto value, database_.Get(Family::kOutbox, SequenceKey(sequence)));
    auto row = value.has_value() ? DecodeOutboxRow(*value) : std::nullopt;
    if (!row.has_value()) continue;
    batch.Delete(Family::kOutbox, SequenceKey(sequence));
    confirmed.push_back(*std::move(row));
  }
  if (confirmed.empty()) return absl::OkStatus();
  SMELT_KILL_POINT("rocks.confirm.before_batch");
  RETURN_IF_ERROR(database_.Write(batch, Durability::kProcess));
  SMELT_KILL_POINT("rocks.confirm.after_batch");
  for (const OutboxRow& row : confirmed) {
    IndexOf(row.entry.kind).ChangePending(KeyOf(row.entry), -1);
    --entries_;
    bytes_ -= row.bytes;
  }
  on_confirmed_();
  return absl::OkStatus();
}

Outbox::Backlog RocksOutbox::Pending() {
  Backlog backlog{.entries = entries_, .bytes = bytes_};
  const auto oldest = Next(0, 1);
  if (!oldest.ok() || oldest->empty()) return backlog;
  oldest_ = std::max(oldest_.load(), oldest->front().sequence);
  const std::int64_t now = clock_.NowNanos() / 1'000'000'000;
  backlog.oldest_seconds = std::max<std::int64_t>(0, now - oldest->front().since_seconds);
  return backlog;
}

}  // namespace smelt
