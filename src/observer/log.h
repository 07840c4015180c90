#ifndef SMELT_OBSERVER_LOG_H_
#define SMELT_OBSERVER_LOG_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace smelt {

// What the observer saw, one event each, in the order in which each process made them. The observer
// (libsmelt_observer.so, loaded into the compiler with LD_PRELOAD) appends its records to the file that
// SMELT_OBSERVER_LOG names; every process that inherits the variable appends to the same file. Record: see
// log_format.h.
struct ObserverEvent {
  enum class Kind : char {
    kProcess = 'P',  // a process checked in: path = /proc/self/exe
    kLoaded = 'L',   // a shared object mapped at start or by dlopen: path
    kRead = 'R',     // a file was opened for reading: path
    kWrite = 'W',    // a file was opened for writing, created, truncated, renamed to, linked to, a directory made: path
    kAbsent = 'A',   // open, stat, access or exec found nothing there: path
    kStat = 'S',     // stat or access found something there: path
    kDirectory = 'D',  // a directory was opened to be listed: path
    kGetenv = 'G',     // getenv: path = the variable's name, module = the object that called
    kEnviron = 'E',  // an object that can iterate over all variables was loaded (log_format.h has the rule), or a file
                     // /proc/*/environ was read by it: path = object
    kExec = 'X',     // a program was executed (tid = pid) or spawned (pid = the child, 0 if not known): path
    kNetwork = 'N',  // a socket other than AF_UNIX was connected, bound or sent from: module
    kWorkingDirectory = 'C',  // getcwd, or what tells as much, by an object other than the compiler's own: module
    kRandom = 'Z',            // an object other than the compiler's own drew random numbers: path = how, module
  };
  Kind kind;
  std::int32_t pid = 0;
  std::int32_t tid = 0;
  std::string path;    // absolute (made so by the process's own working directory), lexically as the caller gave it;
                       // one that does not begin with '/' was in a directory that is gone
  std::string module;  // base name of the object that called: "libserde_derive-….so"; empty where it is not recorded
};

// Parses a whole log. DATA_LOSS if it ends within a record or holds anything else: then nothing about the run is known.
absl::StatusOr<std::vector<ObserverEvent>> ParseObserverLog(std::string_view text);

// The programs that were executed but did not check in: statically linked ones, setuid ones, those whose parent took
// LD_PRELOAD or SMELT_OBSERVER_LOG out of their environment, and those started by system(3). What they did is not
// known. In the order in which they were executed. An exec that failed after the file was found to be executable
// counts.
std::vector<std::string> UntracedPrograms(const std::vector<ObserverEvent>& events);

}  // namespace smelt

#endif  // SMELT_OBSERVER_LOG_H_
