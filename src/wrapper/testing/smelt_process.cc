#include "src/wrapper/testing/smelt_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "src/wrapper/exec_vectors.h"

namespace smelt::wrapper {
namespace {

void Check(bool good, const char* what) {
  if (good) return;
  perror(what);
  abort();
}

struct Pipe {
  UniqueFd read, write;
  Pipe() {
    int fds[2];
    Check(pipe2(fds, O_CLOEXEC) == 0, "pipe2");
    // Out of the way of the descriptors that a test gives to the program.
    read.Reset(fcntl(fds[0], F_DUPFD_CLOEXEC, 100));
    write.Reset(fcntl(fds[1], F_DUPFD_CLOEXEC, 100));
    close(fds[0]);
    close(fds[1]);
  }
};

// One read into `to`; closes `fd` at its end.
void ReadOnce(UniqueFd& fd, std::string& to) {
  char buffer[65536];
  ssize_t n = read(fd.get(), buffer, sizeof(buffer));
  if (n > 0) to.append(buffer, static_cast<std::size_t>(n));
  if (n == 0 || (n < 0 && errno != EINTR)) fd.Reset();
}

}  // namespace

SmeltProcess::SmeltProcess(std::vector<std::string> command, const Environment& environment, std::map<int, int> fds,
                           const std::string& directory) {
  if (command[0].find('/') != std::string::npos) command[0] = std::filesystem::absolute(command[0]);
  std::vector<std::string> entries;
  if (environment.count("PATH") == 0) entries.push_back("PATH=" + std::string(getenv("PATH")));
  for (const auto& [name, value] : environment) entries.push_back(name + "=" + value);
  std::vector<char*> arguments = Pointers(command), environ_of_child = Pointers(entries);
  Pipe out, err;
  pid_ = fork();
  Check(pid_ >= 0, "fork");
  if (pid_ == 0) {
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    dup2(out.write.get(), 1);
    dup2(err.write.get(), 2);
    for (const auto& [theirs, ours] : fds) dup2(ours, theirs);
    if (!directory.empty() && chdir(directory.c_str()) != 0) _exit(99);
    execve(arguments[0], arguments.data(), environ_of_child.data());
    _exit(99);
  }
  out_ = std::move(out.read);
  err_ = std::move(err.read);
}

SmeltProcess::~SmeltProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool SmeltProcess::ReadErrUntil(const std::string& text) {
  while (err_.valid() && ended_.err.find(text) == std::string::npos) ReadOnce(err_, ended_.err);
  return ended_.err.find(text) != std::string::npos;
}

Ended SmeltProcess::Wait() {
  while (out_.valid() || err_.valid()) {
    std::array<pollfd, 2> poll_fds = {pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}};
    poll(poll_fds.data(), poll_fds.size(), -1);
    if (poll_fds[0].revents != 0) ReadOnce(out_, ended_.out);
    if (poll_fds[1].revents != 0) ReadOnce(err_, ended_.err);
  }
  while (waitpid(pid_, &ended_.wait_status, 0) < 0) Check(errno == EINTR, "waitpid");
  pid_ = -1;
  return std::move(ended_);
}

Ended RunProcess(std::vector<std::string> command, const SmeltProcess::Environment& environment,
                 const std::string& directory) {
  return SmeltProcess(std::move(command), environment, {}, directory).Wait();
}

ShortTempDir::ShortTempDir() {
  char path[] = "/tmp/smelt-test-XXXXXX";
  Check(mkdtemp(path) != nullptr, "mkdtemp");
  path_ = path;
}

ShortTempDir::~ShortTempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void WriteFile(const std::string& path, const std::string& text, mode_t mode) {
  std::ofstream(path, std::ios::binary) << text;
  Check(chmod(path.c_str(), mode) == 0, path.c_str());
}

}  // namespace smelt::wrapper
