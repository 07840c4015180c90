#include "src/store/rocks/rocks_blob_store.h"

#include <glog/logging.h>

#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "fmt/format.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/store/digest_key.h"

namespace smelt {
namespace {

using Durability = RocksDatabase::Durability;
using Family = RocksDatabase::Family;

absl::Status NotTheDigest(const Digest& digest, const Digest& actual) {
  return absl::InvalidArgumentError(fmt::format("bytes put as blob {} are {}", digest.ToString(), actual.ToString()));
}

absl::Status CheckSize(const Digest& digest, const Bytes& bytes) {
  if (bytes.size() == digest.size) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} bytes put as blob {}", bytes.size(), digest.ToString()));
}

// The blob in memory, known to be right.
absl::StatusOr<Bytes> ValueOf(const Digest& digest, const Bytes& bytes) {
  RETURN_IF_ERROR(CheckSize(digest, bytes));
  ASSIGN_OR_RETURN(Bytes value, InMemory(bytes));
  ASSIGN_OR_RETURN(const Digest actual, DigestOf(value));
  if (actual != digest) return NotTheDigest(digest, actual);
  return value;
}

absl::Status NotHere(const Digest& digest) { return absl::NotFoundError(fmt::format("no blob {}", digest.ToString())); }

bool MeansGone(const absl::Status& status) { return absl::IsNotFound(status) || absl::IsDataLoss(status); }

Place PlaceOfEntry(const PresenceIndex::Entry& entry) { return static_cast<Place>(entry.place); }

bool Is(const std::optional<PresenceIndex::Entry>& entry, const Digest& digest) {
  return entry.has_value() && static_cast<std::int64_t>(entry->bytes) == digest.size;
}

}  // namespace

Place RocksBlobStore::PlaceOf(std::int64_t size) const {
  if (size <= borders_.tree_bytes_max) return Place::kTree;
  return size <= borders_.blob_db_bytes_max ? Place::kBlobDb : Place::kFile;
}

std::optional<PresenceIndex::Entry> RocksBlobStore::Use(const Digest& digest) {
  return uses_.Use(PresenceIndex::KeyOf(digest), [&] { return DigestKey(digest); });
}

absl::StatusOr<Bytes> RocksBlobStore::Get(const Digest& digest) {
  if (digest.size == 0 && digest == DigestOf(std::string_view())) return Bytes();
  const Gate::Pass pass = gate_.Enter();
  const auto entry = Use(digest);
  if (!Is(entry, digest)) return NotHere(digest);
  auto bytes = Read(digest, PlaceOfEntry(*entry));
  return MeansGone(bytes.status()) ? ReadAgainOrDrop(digest) : bytes;
}

absl::StatusOr<Bytes> RocksBlobStore::Read(const Digest& digest, Place place) {
  return place == Place::kFile ? files_.Open(digest) : ReadValue(digest, Committer::FamilyOf(place));
}

absl::StatusOr<Bytes> RocksBlobStore::ReadValue(const Digest& digest, Family family) {
  if (auto recent = recent_.Find(digest); recent.has_value()) return *std::move(recent);
  const RecentValues::Version version = recent_.VersionOf(digest);
  ASSIGN_OR_RETURN(std::optional<std::string> value, database_.Get(family, DigestKey(digest)));
  if (!value.has_value()) return NotHere(digest);
  if (DigestOf(std::string_view(*value)) == digest) {
    const Bytes bytes(*std::move(value));
    recent_.Add(digest, bytes, version);
    return bytes;
  }
  return absl::DataLossError(fmt::format("blob {} is corrupt in the database", digest.ToString()));
}

// Where nobody can change it: it may have been evicted or put again meanwhile.
absl::StatusOr<Bytes> RocksBlobStore::ReadAgainOrDrop(const Digest& digest) {
  PresenceIndex::Claim claim = uses_.index().Wait(PresenceIndex::KeyOf(digest));
  const auto entry = claim.Get();
  if (!Is(entry, digest)) return NotHere(digest);
  auto bytes = Read(digest, PlaceOfEntry(*entry));
  if (!MeansGone(bytes.status())) return bytes;
  claim.Erase();
  ++corrupt_;
  LOG(WARNING) << "blob " << digest.ToString() << " is corrupt or lost (" << bytes.status() << "): dropped";
  RocksDatabase::Batch batch(database_);
  DeleteFrom(batch, digest, PlaceOfEntry(*entry));
  SMELT_KILL_POINT("rocks.drop.before_batch");
  RETURN_IF_ERROR(database_.Write(batch, Durability::kProcess));
  SMELT_KILL_POINT("rocks.drop.after_batch");
  if (PlaceOfEntry(*entry) == Place::kFile) RETURN_IF_ERROR(files_.Remove(digest));
  return absl::DataLossError(fmt::format("blob {} was corrupt or lost", digest.ToString()));
}

void RocksBlobStore::DeleteFrom(RocksDatabase::Batch& batch, const Digest& digest, Place place) {
  const std::string key = DigestKey(digest);
  batch.Delete(Family::kBlobRows, key);
  if (place != Place::kFile) batch.Delete(Committer::FamilyOf(place), key);
}

absl::Status RocksBlobStore::Put(const Digest& digest, Bytes bytes, bool fetched) {
  if (PlaceOf(digest.size) == Place::kFile) {
    RETURN_IF_ERROR(CheckSize(digest, bytes));
    const Gate::Pass pass = gate_.Enter();
    return PutFile(digest, bytes, fetched);
  }
  ASSIGN_OR_RETURN(Bytes value, ValueOf(digest, bytes));
  if (digest.size == 0) return absl::OkStatus();
  return committer_.Put(EntryOf(digest, std::move(value), PlaceOf(digest.size), fetched));
}

void RocksBlobStore::Defer(const Digest& digest, Bytes bytes, Committer::Done done) {
  absl::StatusOr<Bytes> value = ValueOf(digest, bytes);
  if (!value.ok() || digest.size == 0) return done(value.status());
  committer_.Add(EntryOf(digest, *std::move(value), PlaceOf(digest.size)), std::move(done));
}

Committer::Entry RocksBlobStore::EntryOf(const Digest& digest, Bytes value, Place place, bool fetched) {
  return {.uses = &uses_,
          .presence = PresenceIndex::KeyOf(digest),
          .key = DigestKey(digest),
          .place = place,
          .value = std::move(value),
          .size = digest.size,
          .recent = &recent_,
          .recent_key = digest,
          .fetched = fetched,
          .kind = Outbox::Kind::kBlob,
          .instance = "",
          .digest = digest};
}

absl::Status RocksBlobStore::PutFile(const Digest& digest, const Bytes& bytes, bool fetched) {
  const PresenceIndex::Key key = PresenceIndex::KeyOf(digest);
  if (Is(Use(digest), digest)) {
    ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
    return actual == digest ? absl::OkStatus() : NotTheDigest(digest, actual);
  }
  ASSIGN_OR_RETURN(const Space::Room room, space_.Admit(digest.size));
  auto staged = files_.Stage(digest, bytes);
  RETURN_IF_ERROR(space_.Note(staged.status()));
  const PresenceIndex::Claim claim = uses_.index().Wait(key);
  if (Is(claim.Get(), digest) && Use(digest).has_value()) return absl::OkStatus();
  RETURN_IF_ERROR(space_.Note(files_.Commit(digest, *std::move(staged))));
  const absl::Status acknowledged =
      committer_.Commit(claim, EntryOf(digest, Bytes(), Place::kFile, fetched), Durability::kMachine);
  if (!acknowledged.ok()) files_.Remove(digest).IgnoreError();
  return acknowledged;
}

absl::Status RocksBlobStore::TakeUp(const Digest& digest) {
  const PresenceIndex::Claim claim = uses_.index().Wait(PresenceIndex::KeyOf(digest));
  return committer_.Commit(claim, EntryOf(digest, Bytes(), Place::kFile), Durability::kProcess);
}

absl::StatusOr<std::vector<Digest>> RocksBlobStore::FindMissing(absl::Span<const Digest> digests) {
  const Gate::Pass pass = gate_.Enter();
  std::vector<Digest> missing;
  absl::flat_hash_set<Digest> seen;
  std::optional<RocksDatabase::Batch> rows;
  for (const Digest& digest : digests) {
    if (Is(uses_.Use(
               PresenceIndex::KeyOf(digest), [&] { return DigestKey(digest); }, rows),
           digest))
      continue;
    if (digest.size == 0 && digest == DigestOf(std::string_view())) continue;
    if (seen.insert(digest).second) missing.push_back(digest);
  }
  uses_.WriteRows(rows);
  return missing;
}

}  // namespace smelt
