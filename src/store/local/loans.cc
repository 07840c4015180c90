#include "src/store/local/loans.h"

#include <linux/magic.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "src/base/kill_point.h"
#include "src/base/open_writers.h"

namespace smelt {
namespace {

constexpr std::uint32_t kWrites = IN_MODIFY | IN_CLOSE_WRITE;
constexpr std::size_t kAtOnceMax = 8'000;
constexpr long kXfsMagic = 0x58465342;  // linux/magic.h has it since 6.8

bool IsLocalFileSystem(const std::string& directory) {
  struct statfs st;
  if (::statfs(directory.c_str(), &st) != 0) return false;
  return st.f_type == EXT4_SUPER_MAGIC || st.f_type == TMPFS_MAGIC || st.f_type == kXfsMagic ||
         st.f_type == BTRFS_SUPER_MAGIC || st.f_type == F2FS_SUPER_MAGIC;
}

std::size_t WatchesPerUser(FileSystem& files) {
  const auto text = files.ReadFile("/proc/sys/fs/inotify/max_user_watches");
  std::size_t watches = 0;
  if (text.ok()) std::from_chars(text->data(), text->data() + text->size(), watches);
  return watches;
}

}  // namespace

Loans::Loans(FileSystem& files, std::string directory)
    : files_(files), directory_(std::move(directory)), at_once_(std::min(kAtOnceMax, WatchesPerUser(files) / 8)) {}

bool Loans::CanWatch() {
  if (!can_watch_.has_value()) {
    if (IsLocalFileSystem(directory_)) inotify_.Reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    can_watch_ = inotify_.valid();
  }
  return *can_watch_;
}

std::optional<Loans::Loan> Loans::Lend(const std::string& staged, const std::string& path) {
  const auto stat = files_.Stat(staged);
  if (!stat.ok() || stat->links != 1) return std::nullopt;
  Loan loan = {.path = path, .inode = stat->inode};
  {
    const std::lock_guard lock(mu_);
    if (!CanWatch()) return std::nullopt;
    loan.watch = ::inotify_add_watch(inotify_.get(), staged.c_str(), kWrites);
    if (loan.watch < 0) return std::nullopt;
    written_to_[loan.watch] = false;
  }
  SMELT_KILL_POINT("store.loan.before_link");
  if (files_.Link(staged, path).ok()) return loan;
  End(loan, /*remove=*/false);
  return std::nullopt;
}

Loans::State Loans::StateOf(const Loan& loan, FileStat* stat) {
  const auto before = files_.Stat(loan.path);
  if (!before.ok() || before->inode != loan.inode) return State::kLost;
  if (before->links != 1) return State::kOut;
  const auto fd = files_.OpenForRead(loan.path);
  // The order matters: who had it open for writing has been told of by the time that it is not open any more.
  if (!fd.ok() || !HasNoWriter(fd->get()) || WasWritten(loan.watch) || !HasNoAttributes(fd->get())) return State::kLost;
  const auto after = files_.Stat(loan.path);
  if (!after.ok() || *after != *before) return State::kLost;
  *stat = *after;
  return State::kBack;
}

bool Loans::HasNoAttributes(int fd) {
  char names[256];
  const ssize_t size = ::flistxattr(fd, names, sizeof names);
  if (size < 0) return errno == ENOTSUP;
  // A label that the system gives to each file.
  return size == 0 ||
         std::string_view(names, static_cast<std::size_t>(size)) == std::string_view("security.selinux", 17);
}

void Loans::NoteEvents() {
  alignas(inotify_event) char buffer[16 << 10];
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if (event->mask & IN_Q_OVERFLOW) {
        for (auto& [watch, written] : written_to_) written = true;
      } else if (const auto found = written_to_.find(event->wd); found != written_to_.end()) {
        found->second = true;
      }
    }
  }
}

bool Loans::WasWritten(int watch) {
  const std::lock_guard lock(mu_);
  NoteEvents();
  const auto found = written_to_.find(watch);
  return found == written_to_.end() || found->second;
}

void Loans::End(const Loan& loan, bool remove) {
  {
    const std::lock_guard lock(mu_);
    NoteEvents();
    ::inotify_rm_watch(inotify_.get(), loan.watch);
    written_to_.erase(loan.watch);
  }
  if (remove) files_.Remove(loan.path).IgnoreError();
}

}  // namespace smelt
