#ifndef SMELT_OBSERVER_OBSERVED_RUN_H_
#define SMELT_OBSERVER_OBSERVED_RUN_H_

#include <string>
#include <vector>

#include "src/observer/log.h"

// For tests: runs programs under the observer that was built with them.
namespace smelt {

// What was seen, or a way to ask for it. All paths are absolute.
struct ObservedRun {
  int exit_code = -1;
  std::string output;  // stdout and stderr
  std::vector<ObserverEvent> events;

  std::vector<std::string> Paths(ObserverEvent::Kind kind) const;
  bool Saw(ObserverEvent::Kind kind, const std::string& path) const;
  // Module of each event of this kind and path.
  std::vector<std::string> Modules(ObserverEvent::Kind kind, const std::string& path) const;
};

struct Program {
  std::vector<std::string> command;      // command[0]: a path, or a name to be found in PATH
  std::string directory;                 // to run it in
  std::vector<std::string> environment;  // "NAME=value", on top of the test's own
};

// Runs it under the observer, with `log` (which may exist) as its log. A log that cannot be read is a test failure.
ObservedRun RunObserved(const Program& program, const std::string& log);

// Runs it without. exit_code and output only.
ObservedRun RunPlainly(const Program& program);

// A file of this package among the test's data.
std::string PackageFile(const std::string& name);

}  // namespace smelt

#endif  // SMELT_OBSERVER_OBSERVED_RUN_H_
