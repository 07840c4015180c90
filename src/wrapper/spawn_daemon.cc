#include "src/wrapper/spawn_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>
#include <vector>

#include "src/wrapper/exec_vectors.h"
#include "src/wrapper/own_fd.h"

namespace smelt::wrapper {
namespace {

// In the daemon, just before exec: the descriptor on which it reports; all after it are closed.
constexpr int kReportFd = 3;

// Beside the user's own: of the network's proxies, and by which a job of GitHub's gets its identity token.
constexpr std::string_view kKept[] = {
    "HOME",        "PATH",        "TMPDIR",    "LANG",      "RUSTUP_HOME", "CARGO_HOME", "http_proxy",
    "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",    "NO_PROXY",
};
constexpr std::string_view kKeptPrefixes[] = {"XDG_", "SMELT_", "SCCACHE_", "AWS_", "ACTIONS_ID_TOKEN_REQUEST_"};

bool IsForDaemon(std::string_view name) {
  for (std::string_view kept : kKept) {
    if (name == kept) return true;
  }
  if (name == "SMELT_VERIFY") return false;  // of one build, not of all that follow
  for (std::string_view prefix : kKeptPrefixes) {
    if (name.substr(0, prefix.size()) == prefix) return true;
  }
  return false;
}

std::vector<std::string> DaemonEnvironment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (IsForDaemon(NameOf(*entry))) environment.emplace_back(*entry);
  }
  return environment;
}

UniqueFd OpenLog(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && info.st_size > kLogBytesMax) rename(path.c_str(), (path + ".old").c_str());
  return MovedAway(UniqueFd(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)));
}

void ResetSignals() {
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void CloseFrom(int first) {
  if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
  long count = sysconf(_SC_OPEN_MAX);
  for (int fd = first; fd < count; ++fd) close(fd);
}

// Reports its pid, and then, if exec fails, errno.
[[noreturn]] void ExecDaemon(char* const* arguments, char* const* environment, int log, int report) {
  int self = getpid();
  (void)!write(report, &self, sizeof(self));
  int null = open("/dev/null", O_RDONLY);
  dup2(null, STDIN_FILENO);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  dup2(report, kReportFd);
  fcntl(kReportFd, F_SETFD, FD_CLOEXEC);
  CloseFrom(kReportFd + 1);
  ResetSignals();
  (void)!chdir("/");
  execve(arguments[0], arguments, environment);
  int error = errno;
  (void)!write(kReportFd, &error, sizeof(error));
  _exit(127);
}

// The child of a child that ends at once: nobody's child, in a session of its own, and not its leader.
bool ForkDetached(char* const* arguments, char* const* environment, int log, int report) {
  pid_t between = fork();
  if (between < 0) return false;
  if (between == 0) {
    setsid();
    pid_t daemon = fork();
    if (daemon == 0) ExecDaemon(arguments, environment, log, report);
    _exit(daemon < 0 ? 1 : 0);
  }
  int status = 0;
  while (waitpid(between, &status, 0) < 0 && errno == EINTR) {
  }
  return status == 0;
}

bool ReadNumber(int fd, int* number) {
  ssize_t n;
  do n = read(fd, number, sizeof(*number));
  while (n < 0 && errno == EINTR);
  return n == sizeof(*number);
}

}  // namespace

bool SpawnedDaemon::EndsWithin(int ms) const {
  pollfd poll_fd = {pid_fd.get(), POLLIN, 0};
  if (poll(&poll_fd, 1, ms) > 0) return true;
  return !pid_fd.valid() && kill(pid, 0) != 0 && errno == ESRCH;
}

SpawnedDaemon SpawnDaemon(const wire::DaemonPaths& paths, std::string* error) {
  SpawnedDaemon daemon;
  UniqueFd log = OpenLog(paths.log);
  OwnPipe report;
  if (!log.valid() || !report.Open()) {
    *error = "cannot open " + paths.log + ": " + strerror(errno);
    return daemon;
  }
  std::vector<std::string> command = {DaemonExecutable()};
  std::vector<std::string> environment = DaemonEnvironment();
  signal(SIGCHLD, SIG_DFL);
  int exec_error = 0;
  bool forked = ForkDetached(Pointers(command).data(), Pointers(environment).data(), log.get(), report.write.get());
  report.write.Reset();
  if (!forked || !ReadNumber(report.read.get(), &daemon.pid)) {
    daemon.pid = -1;
    *error = "cannot start smeltd: no more processes";
  } else if (ReadNumber(report.read.get(), &exec_error)) {
    daemon.pid = -1;
    *error = "cannot execute " + command[0] + ": " + strerror(exec_error) + " (SMELT_DAEMON names another smeltd)";
  } else {
    daemon.pid_fd = MovedAway(UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, daemon.pid, 0))));
  }
  return daemon;
}

std::string DaemonExecutable() {
  const char* other = std::getenv("SMELT_DAEMON");
  if (other != nullptr && *other != '\0') return other;
  std::string self = OwnExecutable();
  return self.substr(0, self.rfind('/') + 1) + "smeltd";
}

std::string OwnExecutable() {
  char path[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace smelt::wrapper
