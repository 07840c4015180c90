#ifndef SMELT_WRAPPER_TESTING_SMELT_PROCESS_H_
#define SMELT_WRAPPER_TESTING_SMELT_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "src/base/unique_fd.h"

namespace smelt::wrapper {

// Where the program under test is among the test's runfiles.
inline constexpr char kSmelt[] = "src/cmd/smelt";

// How a process has ended and all it wrote.
struct Ended {
  int wait_status = 0;
  std::string out;
  std::string err;
};

// A program that runs beside the test, with its stdout and stderr in pipes and /dev/null as stdin. Its environment is
// PATH and what is given. Ends the test program if something the test needs cannot be had.
class SmeltProcess {
 public:
  using Environment = std::map<std::string, std::string>;

  // `fds`: descriptor in the program -> descriptor of ours. `directory`: to run in, if not empty.
  SmeltProcess(std::vector<std::string> command, const Environment& environment, std::map<int, int> fds = {},
               const std::string& directory = "");
  ~SmeltProcess();

  pid_t pid() const { return pid_; }

  // Reads stderr until `text` is in what has come. False if it ends without.
  bool ReadErrUntil(const std::string& text);

  // Reads both to their ends and waits.
  Ended Wait();

 private:
  pid_t pid_ = -1;
  UniqueFd out_, err_;
  Ended ended_;
};

// Constructs one and waits.
Ended RunProcess(std::vector<std::string> command, const SmeltProcess::Environment& environment,
                 const std::string& directory = "");

// A directory whose path is short enough for sockets, removed at the end.
class ShortTempDir {
 public:
  ShortTempDir();
  ~ShortTempDir();
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string ReadFile(const std::string& path);  // empty if there is none
void WriteFile(const std::string& path, const std::string& text, mode_t mode = 0644);

}  // namespace smelt::wrapper

#endif  // SMELT_WRAPPER_TESTING_SMELT_PROCESS_H_
