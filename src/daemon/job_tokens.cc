#include "src/daemon/job_tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"

namespace smelt {
namespace {

// What make and cargo write; nobody looks at it.
constexpr char kToken = '+';

UniqueFd OpenOf(pid_t pid, int fd, int how) {
  return UniqueFd(::open(fmt::format("/proc/{}/fd/{}", pid, fd).c_str(), how | O_NONBLOCK | O_CLOEXEC));
}

// Which pipe both are ends of. An environment may be older than what the descriptors are now.
std::optional<std::pair<dev_t, ino_t>> PipeOf(const UniqueFd& read, const UniqueFd& write) {
  struct stat one, other;
  if (!read.valid() || !write.valid() || ::fstat(read.get(), &one) != 0 || ::fstat(write.get(), &other) != 0) return {};
  if (!S_ISFIFO(one.st_mode) || one.st_dev != other.st_dev || one.st_ino != other.st_ino) return {};
  return std::pair(one.st_dev, one.st_ino);
}

}  // namespace

std::optional<std::pair<int, int>> JobServerIn(const std::string& cargo_makeflags) {
  for (const std::string_view option : {"--jobserver-auth=", "--jobserver-fds="}) {
    const std::size_t at = cargo_makeflags.rfind(option);
    if (at == std::string::npos) continue;
    int read = -1, write = -1;
    if (std::sscanf(cargo_makeflags.c_str() + at + option.size(), "%9d,%9d", &read, &write) == 2 && read >= 0 &&
        write >= 0) {
      return std::pair(read, write);
    }
  }
  return std::nullopt;
}

JobTokens::JobTokens() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  thread_ = std::thread([this] { Run(); });
}

JobTokens::~JobTokens() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  Wake();
  thread_.join();
}

JobTokens::Lent JobTokens::Lend(pid_t pid, const std::string& cargo_makeflags) {
  const std::optional<std::pair<int, int>> server = JobServerIn(cargo_makeflags);
  if (!server) return {};
  UniqueFd read = OpenOf(pid, server->first, O_RDONLY), write = OpenOf(pid, server->second, O_WRONLY);
  const std::optional<PipeId> id = PipeOf(read, write);
  if (!id) return {};
  absl::MutexLock lock(&mu_);
  Pipe& pipe = pipes_[*id];
  if (!pipe.read.valid()) pipe.read = std::move(read);
  if (!pipe.write.valid()) pipe.write = std::move(write);
  if (pipe.owed > 0) {  // this token is the one that was owed
    --pipe.owed;
    ForgetIfIdle(*id);
    return {};
  }
  if (pipe.lent >= kLentMax || ::write(pipe.write.get(), &kToken, 1) != 1) {
    ForgetIfIdle(*id);
    return {};
  }
  ++pipe.lent;
  return Lent(this, *id);
}

bool JobTokens::TakeOne(const Pipe& pipe) {
  char token;
  return ::read(pipe.read.get(), &token, 1) == 1;
}

void JobTokens::TakeBack(PipeId id) {
  absl::MutexLock lock(&mu_);
  Pipe& pipe = pipes_.at(id);
  auto may_owe = [&] { return pipe.owed < kOwedMax || stopping_; };
  if (!TakeOne(pipe)) {
    mu_.AwaitWithTimeout(absl::Condition(&may_owe), absl::Milliseconds(kAwaitMsMax));
    ++pipe.owed;
    Wake();
  }
  if (--pipe.lent == 0) pipe.write.Reset();  // so that cargo's end can be seen
  ForgetIfIdle(id);
}

int JobTokens::owed() const {
  absl::MutexLock lock(&mu_);
  int owed = 0;
  for (const auto& [id, pipe] : pipes_) owed += pipe.owed;
  return owed;
}

void JobTokens::ForgetIfIdle(PipeId id) {
  const auto found = pipes_.find(id);
  if (found->second.lent == 0 && found->second.owed == 0) pipes_.erase(found);
}

void JobTokens::Wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t told = ::write(wake_.get(), &one, sizeof one);
}

// Takes what is owed, as soon as there is a token.
void JobTokens::Run() {
  for (;;) {
    std::vector<pollfd> waiting = {{wake_.get(), POLLIN, 0}};
    std::vector<PipeId> ids = {{}};
    {
      absl::MutexLock lock(&mu_);
      if (stopping_) return;
      for (const auto& [id, pipe] : pipes_) {
        if (pipe.owed == 0) continue;
        waiting.push_back({pipe.read.get(), POLLIN, 0});
        ids.push_back(id);
      }
    }
    ::poll(waiting.data(), waiting.size(), -1);
    std::uint64_t count;
    [[maybe_unused]] const ssize_t cleared = ::read(wake_.get(), &count, sizeof count);
    absl::MutexLock lock(&mu_);
    for (std::size_t i = 1; i < waiting.size(); ++i) {
      const auto found = pipes_.find(ids[i]);
      if (waiting[i].revents == 0 || found == pipes_.end()) continue;
      Pipe& pipe = found->second;
      if (pipe.owed > 0 && TakeOne(pipe)) --pipe.owed;
      if (waiting[i].revents & (POLLHUP | POLLERR | POLLNVAL)) pipe.owed = 0;
      ForgetIfIdle(ids[i]);
    }
  }
}

}  // namespace smelt
