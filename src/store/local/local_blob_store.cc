#include "src/store/local/local_blob_store.h"

#include <glog/logging.h>

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "fmt/format.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/store/unnamed_file.h"

namespace smelt {
namespace {

absl::Status NotTheDigest(const Digest& digest, const Digest& actual) {
  return absl::InvalidArgumentError(fmt::format("bytes put as blob {} are {}", digest.ToString(), actual.ToString()));
}

}  // namespace

absl::StatusOr<std::string> LocalBlobStore::GetInline(const Digest& digest) {
  if (digest.size == 0 && digest == DigestOf(std::string_view())) return std::string();
  BlobIndex::Entry entry = index_.Lock(digest);
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, index_.InlineBytes(digest));
  if (!bytes.has_value()) return absl::NotFoundError(fmt::format("no blob {}", digest.ToString()));
  if (DigestOf(std::string_view(*bytes)) == digest) {
    entry.Touch();
    return *std::move(bytes);
  }
  RETURN_IF_ERROR(entry.Remove());
  blob_files_.CountCorrupt();
  LOG(WARNING) << "blob " << digest.ToString() << " is corrupt in the database: dropped";
  return absl::DataLossError(fmt::format("blob {} is corrupt in the database", digest.ToString()));
}

absl::StatusOr<UniqueFd> LocalBlobStore::OpenFile(const Digest& digest) {
  BlobIndex::Entry entry = index_.Lock(digest);
  RETURN_IF_ERROR(handover_.Check(entry));
  entry.Touch();
  return files_.OpenForRead(blob_files_.PathOf(digest));
}

// Where a blob of this size is now, then where it may be from a time with another inline_bytes_max.
absl::StatusOr<Bytes> LocalBlobStore::Get(const Digest& digest) {
  if (IsInline(digest.size)) {
    auto inside = GetInline(digest);
    if (inside.ok()) return Bytes(*std::move(inside));
    if (!absl::IsNotFound(inside.status())) return inside.status();
  }
  auto file = OpenFile(digest);
  if (file.ok()) return Bytes(*std::move(file), digest.size);
  if (IsInline(digest.size) || !absl::IsNotFound(file.status())) return file.status();
  ASSIGN_OR_RETURN(std::string inside, GetInline(digest));
  return Bytes(std::move(inside));
}

absl::Status LocalBlobStore::Put(const Digest& digest, Bytes bytes) {
  return spares_.Serve([&] { return PutNow(digest, bytes); });
}

absl::Status LocalBlobStore::PutNow(const Digest& digest, const Bytes& bytes) {
  if (bytes.size() == digest.size && !IsInline(digest.size)) return PutFile(digest, bytes);
  ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
  if (actual != digest) return NotTheDigest(digest, actual);
  ASSIGN_OR_RETURN(const std::string contents, bytes.ReadAll());
  return PutInline(digest, contents);
}

absl::Status LocalBlobStore::PutInline(const Digest& digest, std::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  SMELT_KILL_POINT("store.put_inline.before_commit");
  BlobIndex::Entry entry = index_.Lock(digest);
  RETURN_IF_ERROR(entry.AddInline(bytes));
  SMELT_KILL_POINT("store.put_inline.after_commit");
  return absl::OkStatus();
}

absl::Status LocalBlobStore::PutFile(const Digest& digest, const Bytes& bytes) {
  if (HasFile(digest)) {
    ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
    return actual == digest ? absl::OkStatus() : NotTheDigest(digest, actual);
  }
  const std::string staged = blob_files_.StagingPath();
  const absl::Status status = Stage(digest, bytes, staged);
  if (!status.ok()) {
    files_.Remove(staged).IgnoreError();
    return status;
  }
  SMELT_KILL_POINT("store.put.staged");
  RETURN_IF_ERROR(CommitStaged(digest, staged));
  if (hand_over_) handover_.NoteArrival(digest);
  return absl::OkStatus();
}

absl::Status LocalBlobStore::CommitStaged(const Digest& digest, const std::string& staged) {
  BlobIndex::Entry entry = index_.Lock(digest);
  if (!blob_files_.Check(entry).ok()) return blob_files_.Commit(entry, staged);
  // Somebody else was faster.
  entry.Touch();
  return files_.Remove(staged);
}

bool LocalBlobStore::HasFile(const Digest& digest) {
  BlobIndex::Entry entry = index_.Lock(digest);
  if (!handover_.Has(entry)) return false;
  entry.Touch();
  return true;
}

// What is digested is what is kept, whatever happens to the file that `bytes` come from.
absl::Status LocalBlobStore::Stage(const Digest& digest, const Bytes& bytes, const std::string& path) {
  const bool unnamed = IsUnnamed(bytes, blob_files_.device());
  if (unnamed || bytes.contents()) {
    ASSIGN_OR_RETURN(const Digest actual, DigestOf(bytes));
    if (actual != digest) return NotTheDigest(digest, actual);
    return unnamed ? NameFile(bytes, path, 0444, files_) : files_.WriteNewFile(path, *bytes.contents(), 0444);
  }
  RETURN_IF_ERROR(files_.CopyToNewFile(fmt::format("/proc/self/fd/{}", bytes.fd()), path, 0444));
  ASSIGN_OR_RETURN(const UniqueFd fd, files_.OpenForRead(path));
  ASSIGN_OR_RETURN(const Digest actual, DigestOfFile(fd.get()));
  return actual == digest ? absl::OkStatus() : NotTheDigest(digest, actual);
}

absl::StatusOr<std::vector<Digest>> LocalBlobStore::FindMissing(absl::Span<const Digest> digests) {
  std::vector<Digest> missing;
  absl::flat_hash_set<Digest> seen;
  for (const Digest& digest : digests) {
    if (!seen.insert(digest).second) continue;
    const absl::Status status = CheckPresent(digest);
    if (absl::IsNotFound(status) || absl::IsDataLoss(status)) {
      missing.push_back(digest);
    } else {
      RETURN_IF_ERROR(status);
    }
  }
  return missing;
}

absl::Status LocalBlobStore::CheckPresent(const Digest& digest) {
  if (!IsInline(digest.size) && HasFile(digest)) return absl::OkStatus();
  return Get(digest).status();
}

}  // namespace smelt
