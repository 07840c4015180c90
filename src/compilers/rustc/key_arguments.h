#ifndef SMELT_COMPILERS_RUSTC_KEY_ARGUMENTS_H_
#define SMELT_COMPILERS_RUSTC_KEY_ARGUMENTS_H_

#include <string>
#include <utility>
#include <vector>

#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/path_map.h"

namespace smelt::rustc {

// The arguments as they enter the key: canonical and in order. Two command lines with equal key arguments, the same
// toolchain, fixed environment and inputs give the same outputs. They are also a real command line for a sandbox in
// which every root lies at its canonical place: --out-dir and explicit emit paths are canonical, extern paths too, and
// the remap arguments are first.
//
// With -C instrument-coverage the paths recorded for llvm-cov are the remapped ones too: those of the workspace resolve
// where llvm-cov runs in it, others need its -path-equivalence.
std::vector<std::string> KeyArguments(const Invocation& invocation, const PathMap& paths,
                                      const std::string& working_directory);

// How a miss is compiled here.
struct LocalRun {
  bool incremental = false;            // keep -C incremental as cargo gave it
  std::string linker_dependency_file;  // not empty: have the linker write its inputs there

  // Not empty: the run is for its incremental state only, which is made there and not where cargo said; nothing is
  // linked. (What is tracked by a state, the output directory too, is as in a run with `incremental`.)
  std::string state_directory;
};

// The arguments to run on this machine: those given, our remap arguments first, incremental taken out unless wanted.
std::vector<std::string> LocalArguments(const Invocation& invocation, const PathMap& paths, const LocalRun& run);

// Names of the environment variables that always enter the key (name and value, or that they are unset): those that
// rustc, LLVM or, for units that link, the linker read. Sorted.
std::vector<std::string> FixedEnvironment(const Invocation& invocation);

// False for variables that never enter a key even if something was seen to read them: the job server's, rustc's
// own logging and tuning, LD_LIBRARY_PATH, LD_PRELOAD, PATH (tools enter by content), and smelt's own.
// This judges reads that the observer saw; a variable that dep-info names is in the outputs and always enters.
bool MayEnterKey(const std::string& variable);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_KEY_ARGUMENTS_H_
