#include "src/base/background_process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "fmt/format.h"
#include "src/base/argument_pointers.h"
#include "src/base/background_thread.h"
#include "src/base/unique_fd.h"

namespace smelt {
namespace {

// What the child tells before it has become the command.
struct Failure {
  const char* step;
  int error;
};

// Everything that the child needs, made before the fork: after it, only system calls are safe.
struct Child {
  explicit Child(const BackgroundCommand& what)
      : command(what),
        arguments(ArgumentPointers(what.command)),
        environment(ArgumentPointers(what.environment)),
        users(fmt::format("{0} {0} 1", geteuid())),
        groups(fmt::format("{0} {0} 1", getegid())),
        upper(what.scratch + "/upper"),
        work(what.scratch + "/work"),
        temporary(what.scratch + "/tmp"),
        overlay(fmt::format("userxattr,lowerdir={},upperdir={},workdir={}", what.covered, upper, work)) {}

  [[noreturn]] void Become(int failures) const;
  const char* Arrange() const;  // the step that failed, or null
  const char* Cover() const;
  const char* MakeRestReadOnly() const;

  const BackgroundCommand& command;
  const std::vector<char*> arguments, environment;
  const pid_t parent = getpid();
  const std::string users, groups, upper, work, temporary, overlay;
};

bool Write(const char* path, const char* text, std::size_t size) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = write(file, text, size) == static_cast<ssize_t>(size);
  const int error = errno;
  close(file);
  errno = error;
  return written;
}

const char* Child::Cover() const {
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return "unshare";
  if (!Write("/proc/self/uid_map", users.data(), users.size())) return "uid_map";
  if (!Write("/proc/self/setgroups", "deny", 4)) return "setgroups";
  if (!Write("/proc/self/gid_map", groups.data(), groups.size())) return "gid_map";
  if (mount("smelt", command.scratch.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") != 0) return "mount tmpfs";
  for (const std::string* directory : {&upper, &work, &temporary}) {
    if (mkdir(directory->c_str(), 0700) != 0) return "mkdir";
  }
  if (mount("smelt", command.covered.c_str(), "overlay", 0, overlay.c_str()) != 0) return "mount overlay";
  return MakeRestReadOnly();
}

const char* Child::MakeRestReadOnly() const {
  const char* writable = command.writable.c_str();
  if (mount(writable, writable, nullptr, MS_BIND, nullptr) != 0) return "bind";
  mount_attr read_only = {}, read_write = {};
  read_only.attr_set = read_write.attr_clr = MOUNT_ATTR_RDONLY;
  if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof read_only) != 0) return "mount_setattr";
  for (const std::string* directory : {&command.writable, &command.scratch, &command.covered}) {
    if (mount_setattr(AT_FDCWD, directory->c_str(), 0, &read_write, sizeof read_write) != 0) return "mount_setattr";
  }
  return nullptr;
}

const char* Child::Arrange() const {
  if (setsid() < 0) return "setsid";
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return "prctl";
  if (getppid() != parent) _exit(127);  // it has ended already
  RunThisThreadInTheBackground();
  Write("/proc/self/autogroup", "19", 2);  // a session has its own share of the processors where there are such
  Write("/proc/self/oom_score_adj", "1000", 4);
  if (!command.covered.empty()) {
    if (const char* step = Cover()) return step;
  }
  umask(command.umask);
  if (chdir(command.working_directory.c_str()) != 0) return "chdir";
  const int null = open("/dev/null", O_RDWR);
  if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) return "/dev/null";
  if (null > 2) close(null);
  return nullptr;
}

void Child::Become(int failures) const {
  // Files that other threads write must not wait for us to be open for nobody (open_writers.h).
  close_range(3, static_cast<unsigned>(failures) - 1, 0);
  close_range(static_cast<unsigned>(failures) + 1, ~0U, 0);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  Failure failure = {Arrange(), errno};
  if (!failure.step) {
    execve(arguments[0], arguments.data(), environment.data());
    failure = {"execve", errno};
  }
  [[maybe_unused]] const ssize_t told = write(failures, &failure, sizeof failure);
  _exit(127);
}

class SystemProcess : public BackgroundProcess {
 public:
  explicit SystemProcess(pid_t pid) : pid_(pid) {}

  ~SystemProcess() override {
    Kill();
    Wait();
  }

  int Wait() override {
    {
      const std::lock_guard lock(mu_);
      if (ended_) return status_;
    }
    siginfo_t info;
    while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
    const std::lock_guard lock(mu_);  // nobody kills a process group whose number may be another's already
    kill(-pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
    ended_ = true;
    return status_;
  }

  void Kill() override {
    const std::lock_guard lock(mu_);
    if (!ended_) kill(-pid_, SIGKILL);
  }

 private:
  const pid_t pid_;
  std::mutex mu_;
  bool ended_ = false;
  int status_ = -1;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BackgroundProcess>> StartInBackground(const BackgroundCommand& command) {
  if ((command.covered + command.scratch).find_first_of(",:\\") != std::string::npos) {
    return absl::InternalError(fmt::format("{}: not a path for mount's options", command.covered));
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  UniqueFd reading(ends[0]), writing(ends[1]);
  const Child child(command);
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "fork");
  if (pid == 0) child.Become(writing.get());
  writing.Reset();

  auto process = std::make_unique<SystemProcess>(pid);
  Failure failure = {};
  ssize_t got = 0;
  while ((got = read(reading.get(), &failure, sizeof failure)) < 0 && errno == EINTR) continue;
  if (got == 0) return process;
  process->Wait();
  return absl::InternalError(fmt::format("{}: {}: errno {}", command.command[0], failure.step, failure.error));
}

}  // namespace smelt
