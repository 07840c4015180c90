#include "src/store/local/spares.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "fmt/format.h"
#include "src/base/background_thread.h"
#include "src/base/kill_point.h"
#include "src/base/open_writers.h"
#include "src/base/status_macros.h"
#include "src/store/local/disk_facts.h"

namespace smelt {
namespace {

constexpr std::size_t kWantedMax = 10'000;  // blobs remembered

}  // namespace

Spares::~Spares() {
  Stop();
  DropAll();
  EndLoans();
}

void Spares::Start() {
  if (options_.spares) thread_ = std::thread([this] { Run(); });
}

void Spares::Stop() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// False if it is time to end.
bool Spares::WaitForWork(std::unique_lock<std::mutex>& lock) {
  const auto has_work = [this] { return stopping_ || pending_; };
  while (!has_work() && lent_ == 0) wake_.wait(lock);
  wake_.wait_for(lock, std::chrono::nanoseconds(kLookNanos), has_work);
  wake_.wait_for(lock, std::chrono::nanoseconds(kIdleNanos), [this] { return stopping_.load(); });
  return !stopping_;
}

void Spares::Run() {
  RunThisThreadInTheBackground();
  std::unique_lock lock(mu_);
  while (WaitForWork(lock)) {
    if (IdleNanos() < kIdleNanos) continue;
    pending_ = false;
    lock.unlock();
    const bool made_all = Make();
    lock.lock();
    if (!made_all) pending_ = true;
  }
}

void Spares::Want(const Digest& digest, std::uint32_t mode, bool restored) {
  if (!options_.spares || digest.size < options_.spare_limits.blob_bytes_min) return;
  bool wake = false;
  {
    const std::lock_guard lock(mu_);
    Wanted& wanted = wanted_[digest];
    wanted.use = ++uses_;
    wanted.restored += restored;
    wanted.mode = mode;
    if (wanted.spares.size() < CopiesOf(wanted)) wake = !std::exchange(pending_, true);
  }
  if (wake) wake_.notify_all();
}

bool Spares::Make() {
  const std::lock_guard making(making_mu_);
  const std::uint64_t activity = activity_;
  if (!DiskHasRoomFor(0)) {
    DropAll();
    return true;
  }
  LookForAllReturns();
  for (const Job& job : Plan()) {
    if (stopping_ || activity_ != activity) return false;
    if (ReflinksAreAsGood(job.digest) || !DiskHasRoomFor(job.digest.size)) return true;
    if (absl::IsResourceExhausted(MakeOne(job))) {
      DropAll();
      return true;
    }
  }
  return true;
}

std::vector<Spares::Job> Spares::Plan() {
  std::vector<Job> jobs;
  std::vector<Spare> superfluous;
  std::unique_lock lock(mu_);
  std::vector<std::pair<std::uint64_t, Digest>> latest_first;
  for (const auto& [digest, wanted] : wanted_) latest_first.emplace_back(wanted.use, digest);
  std::sort(latest_first.rbegin(), latest_first.rend());
  std::int64_t room = Budget();
  for (std::size_t nth = 0; nth < kOfEachMax; ++nth) {
    for (std::size_t i = 0; i < latest_first.size(); ++i) {
      const Digest& digest = latest_first[i].second;
      Wanted& wanted = wanted_[digest];
      const bool is_there = nth < wanted.spares.size();
      if (!is_there && nth >= CopiesOf(wanted)) continue;
      if (i >= kWantedMax || digest.size > room) {
        if (is_there) superfluous.push_back(Detach(wanted));
        continue;
      }
      room -= digest.size;
      if (!is_there) jobs.push_back({.digest = digest, .mode = wanted.mode});
    }
  }
  for (std::size_t i = kWantedMax; i < latest_first.size(); ++i) Forget(latest_first[i].second);
  lock.unlock();
  RemoveFiles(superfluous);
  return jobs;
}

std::size_t Spares::CopiesOf(const Wanted& wanted) const {
  return wanted.restored > 1 ? options_.spare_limits.copies_max : 1;
}

// What is lent is remembered until it has come back.
void Spares::Forget(const Digest& digest) {
  const auto found = wanted_.find(digest);
  if (found->second.lent.empty()) wanted_.erase(found);
}

std::int64_t Spares::Budget() const {
  return std::min({options_.spare_limits.bytes_max, options_.limit_bytes / 4, options_.limit_bytes - index_.bytes()});
}

bool Spares::DiskHasRoomFor(std::int64_t bytes) const {
  const DiskRoom room = RoomOn(options_.directory);
  const std::int64_t left = room.free_bytes - bytes;
  const double share = options_.spare_limits.disk_free_share_min * static_cast<double>(room.total_bytes);
  return left >= options_.spare_limits.disk_free_bytes_min && static_cast<double>(left) >= share;
}

bool Spares::ReflinksAreAsGood(const Digest& digest) {
  if (options_.spare_limits.despite_reflinks) return false;
  if (!has_reflinks_.has_value()) {
    const std::string blob = blob_files_.PathOf(digest);
    if (!files_.Stat(blob).ok()) return false;
    has_reflinks_ = CanReflink(blob, blob_files_.StagingPath());
  }
  return *has_reflinks_;
}

absl::Status Spares::MakeOne(const Job& job) {
  std::uint64_t drops;
  {
    const std::lock_guard lock(mu_);
    drops = drops_;
  }
  const std::string path = blob_files_.StagingPath();
  absl::Status status = CopyUnchanged(job, path);
  SMELT_KILL_POINT("store.spare.copied");
  auto stat = status.ok() ? files_.Stat(path) : status;
  status = stat.ok() ? Keep(job.digest, {.path = path, .stat = *stat}, drops) : stat.status();
  SMELT_KILL_POINT("store.spare.kept");
  if (!status.ok()) files_.Remove(path).IgnoreError();
  return status;
}

// The copy is of what the blob's file held when it was looked at: it has not changed in any way since before that.
absl::Status Spares::CopyUnchanged(const Job& job, const std::string& path) {
  const std::string blob = blob_files_.PathOf(job.digest);
  ASSIGN_OR_RETURN(const FileStat before, files_.Stat(blob));
  {
    const Gate::Pass pass = gate_.Enter();
    BlobIndex::Entry entry = index_.Lock(job.digest);
    RETURN_IF_ERROR(blob_files_.Check(entry));
  }
  RETURN_IF_ERROR(files_.CopyToNewFile(blob, path, job.mode));
  ASSIGN_OR_RETURN(const FileStat after, files_.Stat(blob));
  return after == before ? absl::OkStatus() : absl::AbortedError(fmt::format("{} changed while it was copied", blob));
}

absl::Status Spares::Keep(const Digest& digest, Spare spare, std::uint64_t drops) {
  const std::lock_guard lock(mu_);
  Wanted& wanted = wanted_[digest];
  if (drops != drops_ || wanted.spares.size() >= kOfEachMax || spare.stat.size != digest.size) {
    return absl::AbortedError(fmt::format("{} is not wanted any more", spare.path));
  }
  Attach(wanted, std::move(spare));
  return absl::OkStatus();
}

bool Spares::Restore(const Digest& digest, const std::string& path, std::uint32_t mode) {
  const std::optional<Spare> spare = Take(digest);
  if (!spare.has_value()) return false;
  SMELT_KILL_POINT("store.spare.taken");
  if (PutAt(digest, *spare, path, mode).ok()) return true;
  files_.Remove(spare->path).IgnoreError();
  return false;
}

std::optional<Spares::Spare> Spares::Take(const Digest& digest) {
  if (std::optional<Spare> ready = TakeReady(digest)) return ready;
  LookForReturns(digest);
  return TakeReady(digest);
}

std::optional<Spares::Spare> Spares::TakeReady(const Digest& digest) {
  const std::lock_guard lock(mu_);
  const auto found = wanted_.find(digest);
  if (found == wanted_.end() || found->second.spares.empty()) return std::nullopt;
  return Detach(found->second);
}

absl::Status Spares::PutAt(const Digest& digest, const Spare& spare, const std::string& path, std::uint32_t mode) {
  ASSIGN_OR_RETURN(const FileStat stat, files_.Stat(spare.path));
  if (stat != spare.stat) return absl::AbortedError(fmt::format("{} was changed", spare.path));
  if (stat.mode != mode) RETURN_IF_ERROR(files_.SetMode(spare.path, mode));
  RETURN_IF_ERROR(files_.Touch(spare.path));
  Lend(digest, spare.path);
  if (IsExecutable(mode)) AwaitNoWriter(spare.path);
  SMELT_KILL_POINT("store.spare.before_rename");
  RETURN_IF_ERROR(files_.Rename(spare.path, path));
  SMELT_KILL_POINT("store.spare.after_rename");
  return absl::OkStatus();
}

bool Spares::CanLend(const Digest& digest) {
  if (!options_.spares || !options_.loans || digest.size < options_.spare_limits.blob_bytes_min) return false;
  const std::lock_guard lock(mu_);
  const Wanted& wanted = wanted_[digest];
  return lent_ < loans_.AtOnce() && wanted.lent.size() + wanted.spares.size() < kOfEachMax;
}

void Spares::Add(const Digest& digest, const std::string& path) {
  const auto stat = files_.Stat(path);
  if (!stat.ok()) return files_.Remove(path).IgnoreError();
  const std::lock_guard lock(mu_);
  Attach(wanted_[digest], {.path = path, .stat = *stat});
}

std::vector<std::string> Spares::FilesOf(const Digest& digest) {
  const std::lock_guard lock(mu_);
  std::vector<std::string> paths;
  const auto found = wanted_.find(digest);
  if (found == wanted_.end()) return paths;
  for (const Spare& spare : found->second.spares) paths.push_back(spare.path);
  for (const Loans::Loan& loan : found->second.lent) paths.push_back(loan.path);
  return paths;
}

void Spares::Lend(const Digest& digest, const std::string& staged) {
  if (!CanLend(digest)) return;
  std::optional<Loans::Loan> loan = loans_.Lend(staged, blob_files_.StagingPath());
  if (!loan.has_value()) return;
  const std::lock_guard lock(mu_);
  wanted_[digest].lent.push_back(*std::move(loan));
  ++lent_;
}

void Spares::LookForReturns(const Digest& digest) {
  std::vector<Loans::Loan> lent;
  {
    const std::lock_guard lock(mu_);
    const auto found = wanted_.find(digest);
    if (found == wanted_.end()) return;
    lent.swap(found->second.lent);
    lent_ -= lent.size();
  }
  for (const Loans::Loan& loan : lent) Return(digest, loan);
}

void Spares::Return(const Digest& digest, const Loans::Loan& loan) {
  FileStat stat;
  const Loans::State state = loans_.StateOf(loan, &stat);
  if (state != Loans::State::kOut) loans_.End(loan, /*remove=*/state == Loans::State::kLost);
  const std::lock_guard lock(mu_);
  Wanted& wanted = wanted_[digest];
  if (state == Loans::State::kOut) wanted.lent.push_back(loan), ++lent_;
  if (state == Loans::State::kBack) Attach(wanted, {.path = loan.path, .stat = stat});
}

void Spares::LookForAllReturns() {
  std::vector<Digest> lent;
  {
    const std::lock_guard lock(mu_);
    for (const auto& [digest, wanted] : wanted_) {
      if (!wanted.lent.empty()) lent.push_back(digest);
    }
  }
  for (const Digest& digest : lent) LookForReturns(digest);
}

void Spares::EndLoans() {
  const std::lock_guard lock(mu_);
  for (auto& [digest, wanted] : wanted_) {
    for (const Loans::Loan& loan : wanted.lent) loans_.End(loan, /*remove=*/true);
    wanted.lent.clear();
  }
  lent_ = 0;
}

void Spares::Attach(Wanted& wanted, Spare spare) {
  bytes_ += spare.stat.size;
  wanted.spares.push_back(std::move(spare));
}

Spares::Spare Spares::Detach(Wanted& wanted) {
  Spare spare = std::move(wanted.spares.back());
  wanted.spares.pop_back();
  bytes_ -= spare.stat.size;
  return spare;
}

bool Spares::DropAll() {
  LookForAllReturns();
  std::vector<Spare> dropped;
  {
    const std::lock_guard lock(mu_);
    ++drops_;
    for (auto& [digest, wanted] : wanted_) {
      while (!wanted.spares.empty()) dropped.push_back(Detach(wanted));
    }
  }
  RemoveFiles(dropped);
  return !dropped.empty();
}

void Spares::RemoveFiles(const std::vector<Spare>& spares) {
  for (const Spare& spare : spares) {
    files_.Remove(spare.path).IgnoreError();
    SMELT_KILL_POINT("store.spare.dropped");
  }
}

}  // namespace smelt
