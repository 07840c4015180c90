#ifndef SMELT_DAEMON_TESTING_FAKE_RUSTC_H_
#define SMELT_DAEMON_TESTING_FAKE_RUSTC_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "src/wire/message.h"

namespace smelt {

// A compiler for tests, in this process: reads a crate root, writes the outputs that rustc would write for the same
// command line, and the observer's log of it. What it writes depends on everything it reads and on nothing else, so
// that a wrong hit can be told from a right one by its bytes.
//
// A source is a list of lines; each reads something and puts it into the outputs:
//
//     mod NAME           the source NAME.rs beside this one; NAME/mod.rs is looked for first
//     include PATH       a file, relative to this source
//     include-env N P    a file at P below the value of the variable N, which itself does not reach the outputs
//     env NAME           a variable, in dep-info too
//     macro-env NAME     a variable that a procedural macro asks for; unknown to dep-info
//     macro-read PATH    a file that a procedural macro reads, relative to the working directory; ""
//     macro-exists PATH  whether there is something
//     macro-list PATH    the names in a directory
//     macro-environ      all variables
//     macro-exec PATH    a program that a procedural macro runs
//     macro-write PATH   a file that a procedural macro writes
//     network, random    what they say
//     random-seed        the seed of a HashMap
//     warn               a diagnostic that names this source's absolute path
//     print              the absolute path to stdout
//     fail               exit code 1 after a diagnostic, without outputs
//     fail-if-set NAME   the same, if there is such a variable; dep-info does not tell of a compile that fails
//
// Any other line is text. Externs are read; outputs hold the remapped path of the working directory, and a number that
// is never the same again if there is incremental state. Crates of type bin are linked by "cc" of PATH.
class FakeRustc {
 public:
  // `environment` is the wrapper's; `during` is called when everything has been read and nothing has been written.
  FakeRustc(std::string working_directory, std::vector<std::string> environment,
            std::function<void()> during = nullptr);

  // Runs what the daemon said.
  wire::Ran Run(const wire::Run& run);

  // Runs a command as cargo gave it: what plain cargo would have done.
  wire::Ran RunPlainly(const std::vector<std::string>& command);

 private:
  struct Job;
  wire::Ran Compile(Job& job);
  void ReadSource(Job& job, const std::string& path);
  void ReadLine(Job& job, const std::string& source, const std::string& line);
  void RunMacro(Job& job, const std::string& what, const std::string& operand);
  void ReadExterns(Job& job);
  void Link(Job& job);
  void WriteOutputs(Job& job);
  std::string Absolute(const std::string& path) const;

  std::string working_directory_;
  std::map<std::string, std::string> environment_;
  std::function<void()> during_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TESTING_FAKE_RUSTC_H_
