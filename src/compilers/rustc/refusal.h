#ifndef SMELT_COMPILERS_RUSTC_REFUSAL_H_
#define SMELT_COMPILERS_RUSTC_REFUSAL_H_

#include <array>
#include <string_view>

namespace smelt::rustc {

// Why a command line is not cached. Closed: every reason is a value here, is counted, is shown by `smelt stats` under
// its name, and has a test. In each case the plain compiler runs as if smelt were not there.
enum class Refusal {
  kNotACompile,         // -vV, --print, --explain, -h, -C help: a question, not a compile
  kNoInput,             // no source file
  kSourceFromStdin,     // the source is '-'
  kSeveralInputs,       // more than one source file
  kBuildScriptProbe,    // a build script tries the compiler in a way that is not merely checking a file
  kUnknownFlag,         // a flag that is not in the table
  kUnknownCodegenFlag,  // -C with a name that is not in the table
  kUnstableFlag,        // -Z with a name that is not in the table
  kMalformedFlag,       // a known flag without its value, or with one that does not parse
  kUnreadableArgFile,   // @file that cannot be read
  kShellArgFiles,       // -Zshell-argfiles
  kOutputToFile,        // -o FILE, where some --emit has no path of its own
  kOutputToStdout,      // --emit=KIND=-
  kNoOutDir,            // neither --out-dir nor paths for every --emit
  kNoCrateName,         // no --crate-name
  kUnsupportedEmit,     // --emit of a kind that is not in the table
  kUnsupportedCrateType,
  kSideOutputs,  // flags that write files beside the outputs: save-temps, self-profile, dump-*, ...
  kUnpackedSplitDebuginfo,
  kSysrootOverride,   // --sysroot
  kRpath,             // -C rpath: the result names this machine's directories
  kForeignLinker,     // -C linker-flavor or linker that is not driven by a C compiler
  kLogging,           // RUSTC_LOG is set: the log on stderr is what the user wants
  kUnknownToolchain,  // the compiler is not in a sysroot of a known layout
  kUnknownDriver,     // a RUSTC_WORKSPACE_WRAPPER other than clippy-driver
  kPartialRemap,      // --remap-path-scope without all scopes: the result names this machine's directories
};

inline constexpr int kRefusals = static_cast<int>(Refusal::kPartialRemap) + 1;

// snake_case, stable: a part of the output of `smelt stats --json`.
std::string_view Name(Refusal refusal);

// One line for a person: what it means and, where there is one, what to do about it.
std::string_view Explanation(Refusal refusal);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_REFUSAL_H_
