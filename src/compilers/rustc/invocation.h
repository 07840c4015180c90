#ifndef SMELT_COMPILERS_RUSTC_INVOCATION_H_
#define SMELT_COMPILERS_RUSTC_INVOCATION_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "src/compilers/rustc/refusal.h"

namespace smelt::rustc {

// How one argument enters the key of a compile. The table in option_table.h gives the class of every flag.
enum class KeyUse {
  kValue,      // as it is, in order
  kPath,       // its value is a path: in canonical form (see path_map.h)
  kPathPair,   // FROM=TO: FROM in canonical form, TO as it is
  kExcluded,   // not at all: it does not change the result, or what it points at is keyed by content
  kExtern,     // options and name without the path
  kEmit,       // the kinds without their paths
  kLinkOnly,   // as it is, but only where the unit links
  kInputFile,  // its value names a file that is an input: the name in canonical form, and the file's digest
};

// One argument as it was given, with its value joined to its flag.
struct Argument {
  std::string flag;                  // "--cfg", "-C opt-level", "-Z threads"; empty for the source file
  std::optional<std::string> value;  // nullopt for a flag without a value, or with none given (-C rpath)
  KeyUse use = KeyUse::kValue;
  // Where it stands in Invocation::raw: [first, first + count).
  int first = 0;
  int count = 1;
};

struct Extern {
  std::string options;  // "priv,noprelude"; empty mostly
  std::string name;
  std::string path;  // empty: found in the sysroot (proc_macro) or the search path
};

struct Emit {
  std::string kind;                 // "link", "metadata", "dep-info", "asm", "llvm-ir", "llvm-bc", "mir", "obj"
  std::optional<std::string> path;  // --emit=KIND=PATH
};

// A rustc command line that can be cached, taken apart. A value; made by Parse only. Paths are as given: relative ones
// are relative to the compile's working directory.
struct Invocation {
  // The command as it will be executed: [driver] rustc arguments..., with argument files expanded.
  std::string compiler;               // argv[0]: the rustc to run
  std::optional<std::string> driver;  // clippy-driver, when cargo runs `driver rustc arguments`
  std::vector<std::string> raw;       // the arguments after the compiler, argument files expanded
  bool had_arg_file = false;

  std::vector<Argument> arguments;  // in order
  std::string source;               // the crate root
  std::string crate_name;
  std::vector<std::string> crate_types;  // as given, in order; {"bin"} when none is given
  bool test = false;                     // --test
  std::vector<Emit> emits;               // kinds unique, first mention first
  std::string out_dir;
  std::vector<Extern> externs;                                    // in order
  std::vector<std::pair<std::string, std::string>> search_paths;  // -L: (kind or "all", path)
  std::vector<std::string> native_libraries;                      // -l, verbatim
  std::string extra_filename;                                     // -C extra-filename
  std::string metadata;                                           // -C metadata
  std::string target;                                             // --target; empty: the host
  std::optional<std::string> incremental;                         // -C incremental
  std::optional<std::string> linker;                              // -C linker
  bool target_cpu_native = false;
  bool probe = false;                    // a build script tries whether a file compiles: a failure is an answer too
  bool json_diagnostics = false;         // --error-format=json
  std::vector<std::string> input_files;  // values of kInputFile arguments: profiles, target specifications

  bool Emits(std::string_view kind) const;

  // True if the linker runs: something other than rlib or staticlib is made and "link" is emitted.
  bool Links() const;

  // "serde lib", "serde lib (check)", for people.
  std::string Describe() const;
};

// Reads a file named by an argument @file; nullopt if it cannot be read.
using ReadFile = std::function<std::optional<std::string>(const std::string& path)>;

// Takes a command line apart. `command` is what cargo runs behind the wrapper: `rustc args...`, or
// `clippy-driver rustc args...`. `working_directory` is only used to tell build-script probes. `environment` is asked
// for variables by name (nullptr: unset). Pure but for `read_file`. What is not in the tables is refused, never
// guessed.
std::variant<Invocation, Refusal> Parse(const std::vector<std::string>& command, const std::string& working_directory,
                                        const std::function<const std::string*(std::string_view)>& environment,
                                        const ReadFile& read_file);

// One file that the compile will write.
struct Output {
  enum class Kind { kDepInfo, kMetadata, kRlib, kLinked, kStaticlib, kOther };
  Kind kind;
  std::string path;         // in out_dir, or the path of --emit=KIND=PATH; as rustc prints it in artifact messages
  bool executable = false;  // mode 0755: programs and shared libraries
  bool optional = false;    // a companion that rustc writes only if there is something to put in it
};

// Every file that the compile will write, in the order in which rustc announces them (dep-info, metadata, then the
// rest). The host is linux-gnu when `invocation.target` is empty. Complete for the supported emits and crate types;
// companions that may not be written (a .dwp of split-debuginfo=packed) are last with kind kOther and `optional`.
std::vector<Output> OutputsOf(const Invocation& invocation);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_INVOCATION_H_
