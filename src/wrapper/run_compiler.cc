#include "src/wrapper/run_compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "src/base/unique_fd.h"
#include "src/wrapper/exec_vectors.h"
#include "src/wrapper/own_fd.h"

namespace smelt::wrapper {
namespace {

constexpr int kIdleMs = 50;
constexpr std::size_t kReadBytesMax = 64 << 10;
constexpr std::array<int, 3> kForwarded = {SIGINT, SIGTERM, SIGHUP};

volatile sig_atomic_t forward_to = 0;

void Forward(int signal) {
  int saved = errno;
  if (forward_to > 0) kill(forward_to, signal);
  errno = saved;
}

// While it lives, the forwarded signals go to the child. They are held back until it is known. A signal that is ignored
// (nohup) stays so.
class SignalForwarding {
 public:
  SignalForwarding() {
    sigset_t held;
    sigemptyset(&held);
    for (int signal : kForwarded) sigaddset(&held, signal);
    sigprocmask(SIG_BLOCK, &held, &mask_before_);
  }
  void To(pid_t child) {
    forward_to = child;
    for (std::size_t i = 0; i < kForwarded.size(); ++i) {
      sigaction(kForwarded[i], nullptr, &before_[i]);
      if (before_[i].sa_handler == SIG_IGN) continue;
      struct sigaction action = {};
      action.sa_handler = Forward;
      sigaction(kForwarded[i], &action, nullptr);
    }
    installed_ = true;
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  ~SignalForwarding() {
    forward_to = 0;
    for (std::size_t i = 0; installed_ && i < kForwarded.size(); ++i) sigaction(kForwarded[i], &before_[i], nullptr);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
  }
  const sigset_t& MaskBefore() const { return mask_before_; }

 private:
  sigset_t mask_before_;
  std::array<struct sigaction, kForwarded.size()> before_;
  bool installed_ = false;
};

// The writing ends are given to the child, which reports on `failure` why it could not execute its command.
struct Pipes {
  OwnPipe out, err, failure;
  bool Open() { return out.Open() && err.Open() && failure.Open(); }
};

std::vector<std::string> ChangedEnvironment(const std::vector<std::string>& changes) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    bool changed = false;
    for (const std::string& change : changes) changed |= NameOf(change) == NameOf(*entry);
    if (!changed) environment.emplace_back(*entry);
  }
  for (const std::string& change : changes) {
    if (change.find('=') != std::string::npos) environment.push_back(change);
  }
  return environment;
}

[[noreturn]] void ExecChild(char* const* arguments, char** environment, const Pipes& pipes, pid_t parent,
                            const sigset_t& mask) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(1);
  dup2(pipes.out.write.get(), STDOUT_FILENO);
  dup2(pipes.err.write.get(), STDERR_FILENO);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  environ = environment;
  execvp(arguments[0], arguments);
  char failed = 1;
  (void)!write(pipes.failure.write.get(), &failed, 1);
  _exit(127);
}

bool ReportsFailure(OwnPipe& failure) {
  failure.write.Reset();
  char failed;
  ssize_t n;
  do n = read(failure.read.get(), &failed, 1);
  while (n < 0 && errno == EINTR);
  return n != 0;
}

// Reads once from `fd` into `relay`; closes it at its end.
void ReadOnce(UniqueFd& fd, Relay& relay) {
  static char buffer[kReadBytesMax];
  ssize_t n = read(fd.get(), buffer, sizeof(buffer));
  if (n > 0) relay.Append(std::string_view(buffer, static_cast<std::size_t>(n)));
  if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) fd.Reset();
}

void PassOutputOn(UniqueFd& out, Relay& out_relay, UniqueFd& err, Relay& err_relay) {
  while (out.valid() || err.valid()) {
    std::array<pollfd, 2> poll_fds = {pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
    int ready = poll(poll_fds.data(), poll_fds.size(), err_relay.HasPartialLine() ? kIdleMs : -1);
    if (ready == 0) err_relay.Flush();
    if (ready <= 0) continue;
    if (poll_fds[0].revents != 0) ReadOnce(out, out_relay);
    if (poll_fds[1].revents != 0) ReadOnce(err, err_relay);
  }
  err_relay.Flush();
}

int WaitFor(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  forward_to = 0;
  return status;
}

}  // namespace

void ExecPlain(const std::vector<std::string>& command) {
  execvp(command[0].c_str(), Pointers(command).data());
  int error = errno;
  WriteAll(STDERR_FILENO, "smelt: cannot run " + command[0] + ": " + strerror(error) + "\n");
  _exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

Watched RunWatched(const wire::Run& run, std::size_t captured_bytes_max) {
  Watched watched;
  watched.ran.wait_status = wire::kWaitStatusNotStarted;
  Pipes pipes;
  if (run.command.empty() || !pipes.Open()) return watched;
  std::vector<std::string> environment = ChangedEnvironment(run.environment);
  std::vector<char*> environment_pointers = Pointers(environment);
  std::vector<char*> arguments = Pointers(run.command);
  signal(SIGCHLD, SIG_DFL);

  SignalForwarding forwarding;
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) return watched;
  if (child == 0) {
    ExecChild(arguments.data(), environment_pointers.data(), pipes, parent, forwarding.MaskBefore());
  }
  forwarding.To(child);
  pipes.out.write.Reset();
  pipes.err.write.Reset();
  if (ReportsFailure(pipes.failure)) {
    WaitFor(child);
    return watched;
  }
  Relay out(STDOUT_FILENO, nullptr, captured_bytes_max);
  Relay err(STDERR_FILENO, &run.display, captured_bytes_max);
  PassOutputOn(pipes.out.read, out, pipes.err.read, err);
  watched.status = WaitFor(child);
  bool captured = !out.Overflowed() && !err.Overflowed();
  watched.ran.wait_status = captured ? watched.status : wire::kWaitStatusNotCaptured;
  if (captured) watched.ran.standard_output = out.TakeCaptured();
  if (captured) watched.ran.standard_error = err.TakeCaptured();
  return watched;
}

void EndAs(int wait_status) {
  if (!WIFSIGNALED(wait_status)) _exit(WEXITSTATUS(wait_status));
  int number = WTERMSIG(wait_status);
  rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  signal(number, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, number);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
  raise(number);
  _exit(128 + number);
}

}  // namespace smelt::wrapper
