#ifndef SMELT_ACTION_OBSERVATION_H_
#define SMELT_ACTION_OBSERVATION_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/action/closure.h"
#include "src/compilers/rustc/dep_info.h"
#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/path_map.h"
#include "src/observer/log.h"

namespace smelt {

// Why the result of a compile that succeeded is not stored. Closed, counted, shown by `smelt stats` under its name.
enum class NotStored {
  kCompilerFailed,     // exit status other than 0: plain cargo would compile again too
  kIncremental,        // compiled with incremental state, which makes bytes that no other machine makes
  kPrivateInputs,      // reads the output of an incremental compile
  kInputsChanged,      // an input was written while the compiler ran
  kOutputsMissing,     // an expected output is not there
  kUnobserved,         // the observer's log is missing or broken
  kDiskFull,           // nothing was asked of the compiler, because nothing could be stored
  kUnobservedProgram,  // a program ran that the observer could not be loaded into
  kRanAProgram,        // a procedural macro ran another program
  kNetwork,            // something opened a network connection
  kRandom,             // a procedural macro asked for random numbers (other than the seed of a HashMap)
  kSideEffects,        // something wrote files beside the outputs
  kNotUtf8,            // a name or a value in the key is not UTF-8
  kOutputLimit,        // more diagnostics than are kept
  kStoreFailed,        // disk full, read-only, ...
};
inline constexpr int kNotStoredReasons = static_cast<int>(NotStored::kStoreFailed) + 1;
std::string_view Name(NotStored reason);  // snake_case, stable

// Everything known of one run of the compiler.
struct RunFacts {
  const rustc::Invocation& invocation;
  const rustc::PathMap& paths;
  std::string working_directory;
  std::vector<std::string> sysroots;               // of the toolchain: as invoked, and with symbolic links resolved
  std::vector<std::string> temporary_directories;  // where the compiler and the linker may write at will
  const std::vector<ObserverEvent>& events;
  const rustc::DepInfo& dep_info;                                   // empty if there is none, or the compile failed
  const std::vector<std::string>& linker_inputs;                    // of --dependency-file; empty if it does not link
  std::function<const std::string*(std::string_view)> environment;  // of the compile
};

// What a run was seen to read, as a Shape; or why it must not be predicted.
struct Observation {
  Shape shape;
  std::optional<NotStored> refusal;
  std::string detail;  // the path or program behind `refusal`
};

// The closure of a run: the observer's events, dep-info and the linker's dependency file put together. Pure.
//
// What counts as read: every file opened for reading or found by stat, every path not found, every directory listed,
// by the compiler, its procedural macros and its linker; less the toolchain (keyed whole), the outputs and temporary
// files of this run, and library search directories (keyed by the files found in them).
//
// Variables: those in dep-info and those that procedural macros asked for, with their values; where there is no
// dep-info, all that the compiler asked for. Library search directories then enter with their listings. A variable
// whose value is a path below a root, and that the compiler itself (not a macro) looked up only to open a file below
// that value in its very next step (`include!(concat!(env!("OUT_DIR"), "/x.rs"))`), enters as a path variable: the
// value reached nothing but that file's name. rustc looks a variable up once for each expansion of env!, and include!
// opens its file as soon as its argument is expanded, so a value that is used in any other way leaves a look-up without
// that open.
Observation Observe(const RunFacts& facts);

}  // namespace smelt

#endif  // SMELT_ACTION_OBSERVATION_H_
