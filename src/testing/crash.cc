#include "src/testing/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <set>

#include "src/base/file_system.h"
#include "src/base/kill_point.h"

namespace smelt {
namespace {

constexpr char kChildDirectory[] = "SMELT_CRASH_TEST_DIRECTORY";

}  // namespace

void Acknowledgements::Add(char step) {
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ASSERT_EQ(::write(fd, &step, 1), 1);
  ::close(fd);
}

bool Acknowledgements::Has(char step) const {
  return FileSystem::System().ReadFile(path_).value_or("").find(step) != std::string::npos;
}

const char* CrashChildDirectory() { return std::getenv(kChildDirectory); }

void RunUntilKilled(std::string_view child, const std::string& directory, const std::string& kill_point) {
  const std::string filter = "--gtest_filter=" + std::string(child);
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setenv(kChildDirectory, directory.c_str(), 1);
    ::setenv("SMELT_KILL_POINT", kill_point.c_str(), 1);
    ::execl("/proc/self/exe", "crash_child", filter.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  if (kill_point.ends_with(":1")) {
    ASSERT_TRUE(WIFSIGNALED(status)) << kill_point << " is never reached";
  }
  if (WIFSIGNALED(status)) {
    ASSERT_EQ(WTERMSIG(status), SIGKILL);
  } else {
    ASSERT_EQ(WEXITSTATUS(status), 0);  // there is no second time
  }
}

std::vector<std::string> EveryKillPointTwice() {
  std::vector<std::string> specs;
  for (std::string_view name : KillPoints()) {
    for (const char* nth : {":1", ":2"}) specs.push_back(std::string(name) + nth);
  }
  return specs;
}

std::vector<std::string> KilledOperations() {
  std::set<std::string> operations;
  for (std::string_view name : KillPoints()) operations.emplace(name.substr(0, name.rfind('.')));
  return {operations.begin(), operations.end()};
}

std::string NameOfKillPoint(const testing::TestParamInfo<std::string>& tested) {
  std::string name = tested.param;
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

}  // namespace smelt
