#include "src/store/local/handover.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "src/base/background_thread.h"
#include "src/base/kill_point.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"

namespace smelt {
namespace {

// Beyond this the memory of what has arrived begins anew.
constexpr std::size_t kRememberedMax = 100'000;

}  // namespace

void Handover::NoteArrival(const Digest& digest) {
  const std::lock_guard lock(mu_);
  if (arrived_.size() > kRememberedMax) arrived_.clear();
  arrived_.insert(digest);
}

void Handover::HandOver(BlobIndex::Entry& entry) {
  const Digest& digest = entry.digest();
  {
    const std::lock_guard lock(mu_);
    if (arrived_.erase(digest) == 0) return;
  }
  if (!spares_.CanLend(digest)) return;
  const std::string staged = blob_files_.StagingPath();
  if (!blob_files_.Release(entry, staged).ok()) return;
  SMELT_KILL_POINT("store.handover.released");
  spares_.Add(digest, staged);
  {
    const std::lock_guard lock(mu_);
    owed_.insert(digest);
  }
  wake_.notify_all();
}

bool Handover::IsOwed(const Digest& digest) {
  const std::lock_guard lock(mu_);
  return owed_.contains(digest);
}

void Handover::Settle(const Digest& digest) {
  const std::lock_guard lock(mu_);
  owed_.erase(digest);
}

absl::Status Handover::Check(BlobIndex::Entry& entry) {
  const absl::Status status = blob_files_.Check(entry);
  if (!absl::IsNotFound(status) || !IsOwed(entry.digest())) return status;
  Settle(entry.digest());
  const absl::StatusOr<std::string> staged = Copy(entry.digest());
  return staged.ok() ? blob_files_.Commit(entry, *staged) : status;
}

bool Handover::Has(BlobIndex::Entry& entry) {
  const Digest& digest = entry.digest();
  const absl::Status status = blob_files_.Check(entry);
  if (!absl::IsNotFound(status) || !IsOwed(digest)) return status.ok();
  const std::vector<std::string> lent = spares_.FilesOf(digest);
  return std::any_of(lent.begin(), lent.end(), [&](const std::string& path) {
    const auto stat = files_.Stat(path);
    return stat.ok() && stat->size == digest.size;
  });
}

void Handover::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Handover::Stop() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable()) return;
  thread_.join();
  TakeBack([] { return false; });
}

void Handover::Run() {
  RunThisThreadInTheBackground();
  while (AwaitIdleness()) {
    TakeBack([this] {
      const std::lock_guard lock(mu_);
      return stopping_ || spares_.IdleNanos() < kIdleNanos;
    });
  }
}

// False if it is time to end.
bool Handover::AwaitIdleness() {
  std::unique_lock lock(mu_);
  while (!stopping_ && owed_.empty()) wake_.wait(lock);
  while (!stopping_ && spares_.IdleNanos() < kIdleNanos) {
    wake_.wait_for(lock, std::chrono::nanoseconds(kIdleNanos - spares_.IdleNanos()));
  }
  return !stopping_;
}

void Handover::TakeBack(const std::function<bool()>& stop) {
  std::vector<Digest> owed;
  {
    const std::lock_guard lock(mu_);
    owed.assign(owed_.begin(), owed_.end());
  }
  for (const Digest& digest : owed) {
    if (stop()) return;
    TakeOneBack(digest).IgnoreError();
    Settle(digest);
  }
}

// Others use the blob's entry while its file is copied.
absl::Status Handover::TakeOneBack(const Digest& digest) {
  const Gate::Pass pass = gate_.Enter();
  ASSIGN_OR_RETURN(const std::string staged, Copy(digest));
  SMELT_KILL_POINT("store.handover.copied");
  BlobIndex::Entry entry = index_.Lock(digest);
  if (!blob_files_.Check(entry).ok()) return blob_files_.Commit(entry, staged);
  return files_.Remove(staged);
}

absl::StatusOr<std::string> Handover::Copy(const Digest& digest) {
  for (const std::string& path : spares_.FilesOf(digest)) {
    const std::string staged = blob_files_.StagingPath();
    if (CopyTo(path, digest, staged).ok()) return staged;
    files_.Remove(staged).IgnoreError();
  }
  return absl::NotFoundError("nothing holds blob " + digest.ToString() + " any more");
}

absl::Status Handover::CopyTo(const std::string& path, const Digest& digest, const std::string& staged) {
  RETURN_IF_ERROR(files_.CopyToNewFile(path, staged, 0444));
  ASSIGN_OR_RETURN(const UniqueFd fd, files_.OpenForRead(staged));
  ASSIGN_OR_RETURN(const Digest actual, DigestOfFile(fd.get()));
  return actual == digest ? absl::OkStatus() : absl::AbortedError(path + " was changed");
}

}  // namespace smelt
