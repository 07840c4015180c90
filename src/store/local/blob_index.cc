#include "src/store/local/blob_index.h"

#include <utility>
#include <vector>

#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/store/digest_key.h"

namespace smelt {
namespace {

using Family = Database::Family;

}  // namespace

absl::StatusOr<std::optional<std::string>> BlobIndex::InlineBytes(const Digest& digest) {
  return database_.Get(Family::kBlobs, DigestKey(digest));
}

absl::StatusOr<std::optional<FileRecord>> BlobIndex::Entry::Record() {
  const auto cached = stripe_.records.find(digest_);
  if (cached != stripe_.records.end()) return cached->second.record;
  ASSIGN_OR_RETURN(const std::optional<std::string> value, index_.database_.Get(Family::kFiles, DigestKey(digest_)));
  if (!value.has_value()) return std::nullopt;
  const std::optional<FileRecord> record = DecodeFileRecord(*value);
  if (record.has_value()) index_.Remember(stripe_, digest_, *record, /*dirty=*/false);
  return record;
}

absl::Status BlobIndex::Entry::AddInline(std::string_view bytes) {
  Database::Batch batch(index_.database_);
  batch.Put(Family::kBlobs, DigestKey(digest_), bytes);
  return Add(batch);
}

absl::Status BlobIndex::Entry::AddFile(const FileRecord& record) {
  Database::Batch batch(index_.database_);
  batch.Put(Family::kFiles, DigestKey(digest_), Encode(record));
  RETURN_IF_ERROR(Add(batch));
  index_.Remember(stripe_, digest_, record, /*dirty=*/false);
  return absl::OkStatus();
}

absl::Status BlobIndex::Entry::Add(Database::Batch& batch) {
  const std::string key = DigestKey(digest_);
  ASSIGN_OR_RETURN(const std::optional<std::string> known, index_.database_.Get(Family::kUses, key));
  const std::int64_t now = index_.NowSeconds();
  batch.Put(Family::kUses, key, EncodeUse(now));
  RETURN_IF_ERROR(index_.database_.Write(batch));
  stripe_.uses[digest_] = {.seconds = now, .written_seconds = now};
  if (known.has_value()) return absl::OkStatus();
  index_.bytes_ += digest_.size;
  ++index_.blobs_;
  index_.on_added_();
  return absl::OkStatus();
}

void BlobIndex::Entry::RefreshFile(const FileRecord& record) {
  index_.Remember(stripe_, digest_, record, /*dirty=*/true);
}

absl::Status BlobIndex::Entry::Remove() {
  const std::string key = DigestKey(digest_);
  ASSIGN_OR_RETURN(const std::optional<std::string> known, index_.database_.Get(Family::kUses, key));
  Database::Batch batch(index_.database_);
  for (Family family : {Family::kBlobs, Family::kFiles, Family::kUses}) batch.Delete(family, key);
  RETURN_IF_ERROR(index_.database_.Write(batch));
  stripe_.records.erase(digest_);
  stripe_.uses.erase(digest_);
  if (!known.has_value()) return absl::OkStatus();
  index_.bytes_ -= digest_.size;
  --index_.blobs_;
  return absl::OkStatus();
}

void BlobIndex::Entry::Touch() { stripe_.uses[digest_].seconds = index_.NowSeconds(); }

std::int64_t BlobIndex::Entry::LastTouch() const {
  const auto use = stripe_.uses.find(digest_);
  return use == stripe_.uses.end() ? 0 : use->second.seconds;
}

void BlobIndex::Remember(Stripe& stripe, const Digest& digest, const FileRecord& record, bool dirty) {
  if (stripe.records.size() >= kCachedRecordsPerStripe && !stripe.records.contains(digest)) {
    // What cannot be written now is digested again some day.
    FlushStripe(stripe).IgnoreError();
    stripe.records.clear();
  }
  Stripe::Cached& cached = stripe.records[digest];
  cached.dirty = dirty || (cached.dirty && cached.record == record);
  cached.record = record;
}

absl::Status BlobIndex::Flush() {
  SMELT_KILL_POINT("store.flush.before_write");
  for (Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mu);
    RETURN_IF_ERROR(FlushStripe(stripe));
  }
  return absl::OkStatus();
}

absl::Status BlobIndex::FlushStripe(Stripe& stripe) {
  Database::Batch batch(database_);
  for (const auto& [digest, cached] : stripe.records) {
    if (cached.dirty) batch.Put(Family::kFiles, DigestKey(digest), Encode(cached.record));
  }
  for (const auto& [digest, use] : stripe.uses) {
    if (use.dirty()) batch.Put(Family::kUses, DigestKey(digest), EncodeUse(use.seconds));
  }
  if (!batch.empty()) RETURN_IF_ERROR(database_.Write(batch));
  for (auto& [digest, cached] : stripe.records) cached.dirty = false;
  const std::int64_t old = NowSeconds() - kUseGranularitySeconds;
  for (auto& [digest, use] : stripe.uses) {
    if (use.dirty()) use.written_seconds = use.seconds;
  }
  absl::erase_if(stripe.uses, [old](const auto& use) { return use.second.seconds <= old; });
  return absl::OkStatus();
}

absl::Status BlobIndex::ForEachUse(const VisitUse& visit) {
  std::vector<std::pair<Digest, std::int64_t>> found;
  RETURN_IF_ERROR(database_.ForEach(Family::kUses, "", [&](std::string_view key, std::string_view value) {
    if (const auto digest = DigestOfKey(key)) found.emplace_back(*digest, DecodeUse(value));
    return true;
  }));
  for (const auto& [digest, seconds] : found) visit(digest, std::max(seconds, Lock(digest).LastTouch()));
  return absl::OkStatus();
}

void BlobIndex::NoteBegunAnew() {
  for (Stripe& stripe : stripes_) {
    const std::lock_guard lock(stripe.mu);
    stripe.records.clear();
    stripe.uses.clear();
  }
  bytes_ = 0;
  blobs_ = 0;
}

absl::Status BlobIndex::Count(const Database::Snapshot& snapshot) {
  return database_.ForEach(
      Family::kUses, "",
      [this](std::string_view key, std::string_view) {
        if (const auto digest = DigestOfKey(key)) {
          bytes_ += digest->size;
          ++blobs_;
        }
        return true;
      },
      &snapshot);
}

}  // namespace smelt
