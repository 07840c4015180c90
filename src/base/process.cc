#include "src/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "src/base/argument_pointers.h"
#include "src/base/unique_fd.h"

namespace smelt {
namespace {

constexpr std::size_t kOutputBytesMax = 1 << 20;

std::int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1'000'000;
}

// Reads to the end; false on time-out, excess or error.
bool ReadAll(int fd, std::int64_t deadline, std::string& output) {
  char piece[4096];
  for (;;) {
    pollfd ready = {fd, POLLIN, 0};
    std::int64_t left = deadline - NowMs();
    if (left <= 0 || output.size() > kOutputBytesMax) return false;
    int n = poll(&ready, 1, static_cast<int>(left));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    ssize_t got = read(fd, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
    output.append(piece, static_cast<std::size_t>(got));
  }
}

// The status of a process that has ended, or is killed at the deadline, or, if it is not wanted any more, at once.
int StatusOf(pid_t pid, std::int64_t deadline, bool wanted) {
  constexpr int kPauseMs = 2;
  int status = 0;
  for (;;) {
    if (!wanted || NowMs() >= deadline) kill(pid, SIGKILL);
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return status;
    if (ended < 0 && errno != EINTR) return -1;
    poll(nullptr, 0, kPauseMs);
  }
}

}  // namespace

absl::StatusOr<std::string> OutputOf(const std::vector<std::string>& command,
                                     const std::vector<std::string>& environment, std::int64_t timeout_ms) {
  const std::int64_t deadline = NowMs() + timeout_ms;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  UniqueFd reading(ends[0]), writing(ends[1]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  int error = posix_spawn(&pid, command[0].c_str(), &actions, nullptr, ArgumentPointers(command).data(),
                          ArgumentPointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::InternalError(fmt::format("{}: cannot be started (errno {})", command[0], error));
  writing.Reset();

  std::string output;
  const bool complete = ReadAll(reading.get(), deadline, output);
  const int status = StatusOf(pid, deadline, complete);
  if (!complete || status != 0) {
    return absl::InternalError(fmt::format("{}: {}", command[0], complete ? "ended with an error" : "gave no answer"));
  }
  return output;
}

}  // namespace smelt
