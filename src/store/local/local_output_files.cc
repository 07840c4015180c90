#include "src/store/local/local_output_files.h"

#include <unistd.h>

#include "fmt/format.h"
#include "src/base/kill_point.h"
#include "src/base/path_names.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"

namespace smelt {

absl::StatusOr<Digest> LocalOutputFiles::Ingest(const std::string& path) {
  return spares_.Serve([&] {
    const Gate::Pass pass = gate_.Enter();
    return IngestNow(path);
  });
}

absl::StatusOr<Digest> LocalOutputFiles::IngestNow(const std::string& path) {
  ASSIGN_OR_RETURN(const FileStat before, files_.Stat(path));
  if (before.type != FileStat::Type::kRegular) {
    return absl::InvalidArgumentError(fmt::format("{} is not a regular file", path));
  }
  if (blobs_.IsInline(before.size)) return IngestInline(path, before);
  ASSIGN_OR_RETURN(const Digest digest, IngestCopy(path, before));
  spares_.Want(digest, before.mode & 0777, /*restored=*/false);
  return digest;
}

absl::Status LocalOutputFiles::CheckUnchanged(const std::string& path, const FileStat& before) {
  ASSIGN_OR_RETURN(const FileStat after, files_.Stat(path));
  if (BlobFiles::SameContents(before, after)) return absl::OkStatus();
  return absl::AbortedError(fmt::format("{} changed while it was taken into the store", path));
}

absl::StatusOr<Digest> LocalOutputFiles::IngestInline(const std::string& path, const FileStat& before) {
  ASSIGN_OR_RETURN(const std::string bytes, files_.ReadFile(path));
  RETURN_IF_ERROR(CheckUnchanged(path, before));
  const Digest digest = DigestOf(std::string_view(bytes));
  RETURN_IF_ERROR(blobs_.PutInline(digest, bytes));
  return digest;
}

// What is digested is the copy: the store never holds bytes that it did not look at.
absl::StatusOr<Digest> LocalOutputFiles::IngestCopy(const std::string& path, const FileStat& before) {
  const std::string staged = blob_files_.StagingPath();
  RETURN_IF_ERROR(files_.CopyToNewFile(path, staged, 0444));
  const auto digest = [&]() -> absl::StatusOr<Digest> {
    RETURN_IF_ERROR(CheckUnchanged(path, before));
    ASSIGN_OR_RETURN(const UniqueFd fd, files_.OpenForRead(staged));
    return DigestOfFile(fd.get());
  }();
  if (!digest.ok()) {
    files_.Remove(staged).IgnoreError();
    return digest.status();
  }
  SMELT_KILL_POINT("store.ingest.staged");
  RETURN_IF_ERROR(blobs_.CommitStaged(*digest, staged));
  return *digest;
}

absl::Status LocalOutputFiles::Restore(const Digest& digest, const std::string& path, std::uint32_t mode) {
  return spares_.Serve([&] {
    const Gate::Pass pass = gate_.Enter();
    return RestoreNow(digest, path, mode);
  });
}

absl::Status LocalOutputFiles::RestoreNow(const Digest& digest, const std::string& path, std::uint32_t mode) {
  absl::Status status;
  if (!blobs_.IsInline(digest.size)) {
    status = RestoreFile(digest, path, mode);
    if (!absl::IsNotFound(status)) return status;
  }
  auto bytes = blobs_.GetInline(digest);
  if (bytes.ok()) return Replace(path, [&](const std::string& to) { return files_.WriteNewFile(to, *bytes, mode); });
  if (!absl::IsNotFound(bytes.status()) || !blobs_.IsInline(digest.size)) return bytes.status();
  return RestoreFile(digest, path, mode);
}

absl::Status LocalOutputFiles::Write(const std::string& path, std::string_view bytes, std::uint32_t mode) {
  return spares_.Serve(
      [&] { return Replace(path, [&](const std::string& to) { return files_.WriteNewFile(to, bytes, mode); }); });
}

absl::Status LocalOutputFiles::RestoreFile(const Digest& digest, const std::string& path, std::uint32_t mode) {
  ASSIGN_OR_RETURN(const bool reaches, StagingReaches(path));
  {
    BlobIndex::Entry entry = index_.Lock(digest);
    RETURN_IF_ERROR(handover_.Check(entry));
    entry.Touch();
    if (reaches) handover_.HandOver(entry);
  }
  if (!reaches || !spares_.Restore(digest, path, mode)) {
    absl::Status status = RestoreCopy(digest, path, mode, reaches);
    // The blob's file may have been handed over to another restore since it was looked at.
    if (absl::IsNotFound(status) && LookAt(digest).ok()) status = RestoreCopy(digest, path, mode, reaches);
    RETURN_IF_ERROR(status);
  }
  if (reaches) spares_.Want(digest, mode, /*restored=*/true);
  return absl::OkStatus();
}

absl::Status LocalOutputFiles::LookAt(const Digest& digest) {
  BlobIndex::Entry entry = index_.Lock(digest);
  return handover_.Check(entry);
}

absl::Status LocalOutputFiles::RestoreCopy(const Digest& digest, const std::string& path, std::uint32_t mode,
                                           bool lend) {
  return Replace(path, [&](const std::string& to) {
    const absl::Status status = files_.CopyToNewFile(blob_files_.PathOf(digest), to, mode);
    if (status.ok() && lend) spares_.Lend(digest, to);
    return status;
  });
}

absl::StatusOr<bool> LocalOutputFiles::StagingReaches(const std::string& path) {
  const auto directory = files_.Stat(std::string(DirectoryName(path)));
  if (absl::IsNotFound(directory.status())) {
    return absl::FailedPreconditionError(fmt::format("no directory for {}: make it before restoring into it", path));
  }
  RETURN_IF_ERROR(directory.status());
  return directory->device == blob_files_.device() && staging_reaches_;
}

// Made in the staging area where that is possible, which is cheaper: see SpreadChildren. Else beside `path`.
absl::Status LocalOutputFiles::Replace(const std::string& path, const Make& make) {
  ASSIGN_OR_RETURN(const bool reaches, StagingReaches(path));
  if (reaches) {
    const absl::Status status = ReplaceBy(blob_files_.StagingPath(), path, make);
    if (!absl::IsUnimplemented(status)) return status;
    staging_reaches_ = false;
  }
  return ReplaceBy(TemporaryBeside(path), path, make);
}

absl::Status LocalOutputFiles::ReplaceBy(const std::string& temporary, const std::string& path, const Make& make) {
  absl::Status status = make(temporary);
  SMELT_KILL_POINT("store.restore.before_rename");
  if (status.ok()) status = files_.Rename(temporary, path);
  SMELT_KILL_POINT("store.restore.after_rename");
  if (!status.ok()) files_.Remove(temporary).IgnoreError();
  return status;
}

std::string LocalOutputFiles::TemporaryBeside(const std::string& path) {
  return fmt::format("{}/.smelt-{}-{}", DirectoryName(path), ::getpid(), ++temporaries_);
}

}  // namespace smelt
