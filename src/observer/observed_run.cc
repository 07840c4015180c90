#include "src/observer/observed_run.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "gtest/gtest.h"
#include "src/base/unique_fd.h"
#include "src/observer/log_format.h"
#include "src/testing/status_matchers.h"

namespace smelt {
namespace {

[[noreturn]] void Become(const Program& program, int output) {
  for (const std::string& variable : program.environment) putenv(const_cast<char*>(variable.c_str()));
  std::vector<char*> arguments;
  for (const std::string& argument : program.command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (chdir(program.directory.c_str()) == 0) execvp(arguments[0], arguments.data());
  _exit(127);
}

std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string ReadToEnd(int fd) {
  std::string all;
  char buffer[4096];
  for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) > 0;) all.append(buffer, size);
  return all;
}

}  // namespace

std::vector<std::string> ObservedRun::Paths(ObserverEvent::Kind kind) const {
  std::vector<std::string> paths;
  for (const ObserverEvent& event : events) {
    if (event.kind == kind) paths.push_back(event.path);
  }
  return paths;
}

bool ObservedRun::Saw(ObserverEvent::Kind kind, const std::string& path) const {
  return std::ranges::count(Paths(kind), path) > 0;
}

std::vector<std::string> ObservedRun::Modules(ObserverEvent::Kind kind, const std::string& path) const {
  std::vector<std::string> modules;
  for (const ObserverEvent& event : events) {
    if (event.kind == kind && event.path == path) modules.push_back(event.module);
  }
  return modules;
}

ObservedRun RunPlainly(const Program& program) {
  int ends[2];
  ObservedRun run;
  if (pipe2(ends, O_CLOEXEC) != 0) return run;
  UniqueFd reading(ends[0]), writing(ends[1]);
  pid_t pid = fork();
  if (pid == 0) Become(program, writing.get());
  writing.Reset();
  run.output = ReadToEnd(reading.get());
  int status = 0;
  if (waitpid(pid, &status, 0) == pid && WIFEXITED(status)) run.exit_code = WEXITSTATUS(status);
  return run;
}

ObservedRun RunObserved(const Program& program, const std::string& log) {
  Program observed = program;
  observed.environment.push_back("LD_PRELOAD=" + PackageFile("libsmelt_observer.so"));
  observed.environment.push_back(std::string(kObserverLogVariable) + "=" + log);
  ObservedRun run = RunPlainly(observed);
  auto events = ParseObserverLog(ReadWhole(log));
  EXPECT_OK(events);
  if (events.ok()) run.events = *std::move(events);
  return run;
}

std::string PackageFile(const std::string& name) {
  return std::string(getenv("TEST_SRCDIR")) + "/" + getenv("TEST_WORKSPACE") + "/src/observer/" + name;
}

}  // namespace smelt
