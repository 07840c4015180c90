#include "src/compilers/rustc/refusal.h"

#include <cstddef>

namespace smelt::rustc {
namespace {

struct Row {
  Refusal refusal;
  std::string_view name;
  std::string_view explanation;
};

constexpr std::array<Row, kRefusals> kRows = {{
    {Refusal::kNotACompile, "not_a_compile", "a question to the compiler (-vV, --print, --explain, -h), not a compile"},
    {Refusal::kNoInput, "no_input", "the command line names no source file"},
    {Refusal::kSourceFromStdin, "source_from_stdin",
     "the source comes from standard input; give a file to have it cached"},
    {Refusal::kSeveralInputs, "several_inputs", "the command line names more than one source file"},
    {Refusal::kBuildScriptProbe, "build_script_probe",
     "a build script tries the compiler in a way that is not merely checking a file"},
    {Refusal::kUnknownFlag, "unknown_flag", "a flag that smelt does not know; a newer smelt may"},
    {Refusal::kUnknownCodegenFlag, "unknown_codegen_flag", "a -C option that smelt does not know; a newer smelt may"},
    {Refusal::kUnstableFlag, "unstable_flag", "a -Z option that is not known to be safe to cache"},
    {Refusal::kMalformedFlag, "malformed_flag", "a flag without its value, or with one that rustc cannot read"},
    {Refusal::kUnreadableArgFile, "unreadable_arg_file", "an argument file (@file) cannot be read as UTF-8 text"},
    {Refusal::kShellArgFiles, "shell_arg_files", "-Zshell-argfiles; use argument files with one argument a line"},
    {Refusal::kOutputToFile, "output_to_file", "-o FILE; use --out-dir, or give every --emit its path"},
    {Refusal::kOutputToStdout, "output_to_stdout", "an --emit that goes to standard output"},
    {Refusal::kNoOutDir, "no_out_dir", "neither --out-dir nor a path for every --emit"},
    {Refusal::kNoCrateName, "no_crate_name", "no --crate-name; rustc then takes it from the source"},
    {Refusal::kUnsupportedEmit, "unsupported_emit",
     "an --emit whose files cannot be told from the command line (per codegen unit, or of an unknown kind)"},
    {Refusal::kUnsupportedCrateType, "unsupported_crate_type", "a --crate-type that smelt does not know"},
    {Refusal::kSideOutputs, "side_outputs", "a flag or variable that makes rustc write further files"},
    {Refusal::kUnpackedSplitDebuginfo, "unpacked_split_debuginfo",
     "-C split-debuginfo=unpacked leaves .dwo files; use packed or off"},
    {Refusal::kSysrootOverride, "sysroot_override", "--sysroot; use the compiler of that sysroot instead"},
    {Refusal::kRpath, "rpath", "-C rpath writes this machine's directories into the result"},
    {Refusal::kForeignLinker, "foreign_linker",
     "the linker is not driven by a C compiler, so its inputs cannot be known; use cc, gcc or clang as the linker"},
    {Refusal::kLogging, "logging", "RUSTC_LOG is set: the log is what is wanted"},
    {Refusal::kUnknownToolchain, "unknown_toolchain", "the compiler is not a rustc of a known layout"},
    {Refusal::kUnknownDriver, "unknown_driver", "a RUSTC_WORKSPACE_WRAPPER other than clippy-driver"},
    {Refusal::kPartialRemap, "partial_remap",
     "--remap-path-scope leaves this machine's paths in the result; use all scopes"},
}};

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].refusal) != i) return false;
  }
  return true;
}
static_assert(InOrder(), "one row for each value, in the order of the enum");

}  // namespace

std::string_view Name(Refusal refusal) { return kRows[static_cast<std::size_t>(refusal)].name; }

std::string_view Explanation(Refusal refusal) { return kRows[static_cast<std::size_t>(refusal)].explanation; }

}  // namespace smelt::rustc
