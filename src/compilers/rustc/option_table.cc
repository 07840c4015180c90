#include "src/compilers/rustc/option_table.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace smelt::rustc {
namespace {

constexpr auto kNever = std::nullopt;
constexpr bool kTakesValue = true;
constexpr bool kNoValue = false;

constexpr OptionRow kOptions[] = {
    {"-h", kNoValue, KeyUse::kExcluded, Refusal::kNotACompile, "a question"},
    {"-V", kNoValue, KeyUse::kExcluded, Refusal::kNotACompile, "a question"},
    {"--print", kTakesValue, KeyUse::kExcluded, Refusal::kNotACompile, "a question"},
    {"--explain", kTakesValue, KeyUse::kExcluded, Refusal::kNotACompile, "a question"},
    {"--cfg", kTakesValue, KeyUse::kValue, kNever, "decides what is compiled"},
    {"--check-cfg", kTakesValue, KeyUse::kValue, kNever, "decides warnings and, where they are denied, success"},
    {"-L", kTakesValue, KeyUse::kPath, kNever, "where crates and libraries are looked for"},
    {"-l", kTakesValue, KeyUse::kValue, kNever, "recorded in metadata, given to the linker in order"},
    {"--crate-type", kTakesValue, KeyUse::kValue, kNever, "decides the outputs"},
    {"--crate-name", kTakesValue, KeyUse::kValue, kNever, "in every symbol"},
    {"--edition", kTakesValue, KeyUse::kValue, kNever, "decides the language"},
    {"--emit", kTakesValue, KeyUse::kEmit, kNever, "decides the outputs; the rmeta of a check is another one"},
    {"-g", kNoValue, KeyUse::kValue, kNever, "-C debuginfo=2"},
    {"-O", kNoValue, KeyUse::kValue, kNever, "-C opt-level; the level depends on the version"},
    {"-o", kTakesValue, KeyUse::kPath, kNever, "only names outputs"},
    {"--out-dir", kTakesValue, KeyUse::kPath, kNever, "only names outputs"},
    {"--test", kNoValue, KeyUse::kValue, kNever, "builds a test program"},
    {"--target", kTakesValue, KeyUse::kValue, kNever, "decides the code; a .json is an input file"},
    {"-A", kTakesValue, KeyUse::kValue, kNever, "decides diagnostics and success"},
    {"-W", kTakesValue, KeyUse::kValue, kNever, "decides diagnostics and success"},
    {"-D", kTakesValue, KeyUse::kValue, kNever, "decides diagnostics and success"},
    {"-F", kTakesValue, KeyUse::kValue, kNever, "decides diagnostics and success"},
    {"--force-warn", kTakesValue, KeyUse::kValue, kNever, "decides diagnostics"},
    {"--cap-lints", kTakesValue, KeyUse::kValue, kNever, "decides diagnostics and success"},
    {"-C", kTakesValue, KeyUse::kValue, kNever, "see CodegenOptions"},
    {"-Z", kTakesValue, KeyUse::kValue, kNever, "see UnstableOptions"},
    {"-v", kNoValue, KeyUse::kValue, kNever, "longer diagnostics"},
    {"--extern", kTakesValue, KeyUse::kExtern, kNever, "binds a name to a crate"},
    {"--sysroot", kTakesValue, KeyUse::kExcluded, Refusal::kSysrootOverride, "another standard library"},
    {"--error-format", kTakesValue, KeyUse::kValue, kNever, "the form of what is replayed"},
    {"--json", kTakesValue, KeyUse::kValue, kNever, "artifacts and future-incompat change metadata"},
    {"--color", kTakesValue, KeyUse::kExcluded, kNever, "no bytes of outputs; a value unless diagnostics are JSON"},
    {"--diagnostic-width", kTakesValue, KeyUse::kExcluded, kNever, "as --color"},
    {"--remap-path-prefix", kTakesValue, KeyUse::kPathPair, kNever, "FROM is of this machine, TO in the outputs"},
    {"--remap-path-scope", kTakesValue, KeyUse::kValue, kNever, "refused by Parse unless it means all scopes"},
    {"--env-set", kTakesValue, KeyUse::kValue, kNever, "what env! sees"},
};

constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"--help", "-h"},  {"--version", "-V"}, {"--verbose", "-v"}, {"--codegen", "-C"},
    {"--allow", "-A"}, {"--warn", "-W"},    {"--deny", "-D"},    {"--forbid", "-F"},
};

constexpr OptionRow Value(std::string_view name, std::string_view reason) {
  return {name, kTakesValue, KeyUse::kValue, kNever, reason};
}

constexpr OptionRow Use(std::string_view name, KeyUse use, std::string_view reason) {
  return {name, kTakesValue, use, kNever, reason};
}

constexpr OptionRow Refuse(std::string_view name, Refusal refusal, std::string_view reason) {
  return {name, kTakesValue, KeyUse::kExcluded, refusal, reason};
}

constexpr OptionRow kCodegenOptions[] = {
    Value("ar", "does nothing"),
    Value("code-model", "code"),
    Value("codegen-units", "code, though rustc does not track it"),
    Value("collapse-macro-debuginfo", "debug information"),
    Value("control-flow-guard", "code"),
    Value("debug-assertions", "code"),
    Value("debuginfo", "debug information"),
    Value("default-linker-libraries", "linker's command line"),
    Value("dlltool", "a tool of windows-gnu, read by the observer"),
    Value("dwarf-version", "debug information"),
    Value("embed-bitcode", "contents of rlibs"),
    Value("extra-filename", "stored in metadata"),
    Value("force-frame-pointers", "code"),
    Value("force-unwind-tables", "code"),
    Refuse("help", Refusal::kNotACompile, "a question"),
    Use("incremental", KeyUse::kExcluded, "what is stored is compiled without it"),
    Value("inline-threshold", "does nothing, or changes code in older versions"),
    Value("instrument-coverage", "code; recorded paths are the remapped ones"),
    Value("jump-tables", "code"),
    Value("link-arg", "literal, in every unit: cheap and certain"),
    Value("link-args", "as link-arg"),
    Value("link-dead-code", "code"),
    Use("link-self-contained", KeyUse::kLinkOnly, "linker's command line"),
    Use("linker", KeyUse::kLinkOnly, "the tool enters by content where it runs"),
    Use("linker-features", KeyUse::kLinkOnly, "linker's command line"),
    Use("linker-flavor", KeyUse::kLinkOnly, "linker's command line"),
    Value("linker-plugin-lto", "contents of objects"),
    Value("llvm-args", "code"),
    Value("lto", "code"),
    Value("metadata", "in every symbol"),
    Value("no-prepopulate-passes", "code"),
    Value("no-redzone", "code"),
    Value("no-stack-check", "does nothing"),
    Value("no-vectorize-loops", "code"),
    Value("no-vectorize-slp", "code"),
    Value("opt-level", "code"),
    Value("overflow-checks", "code"),
    Value("panic", "code"),
    Value("passes", "code"),
    Value("prefer-dynamic", "what is linked"),
    Value("profile-generate", "the directory is in the code, as given"),
    Use("profile-sample-use", KeyUse::kInputFile, "code, by the profile's content"),
    Use("profile-use", KeyUse::kInputFile, "code, by the profile's content"),
    Value("relocation-model", "code"),
    Value("relro-level", "linker's command line"),
    Value("remark", "diagnostics"),
    Value("rpath", "refused by Parse where the unit links"),
    Value("save-temps", "refused by Parse unless off"),
    Value("soft-float", "code"),
    Value("split-debuginfo", "debug information; unpacked is refused by Parse"),
    Value("strip", "linker's command line"),
    Value("symbol-mangling-version", "every symbol"),
    Value("target-cpu", "code; native depends on the machine"),
    Value("target-feature", "code"),
    Value("unsafe-allow-abi-mismatch", "success"),
};

constexpr OptionRow kUnstableOptions[] = {
    Refuse("help", Refusal::kNotACompile, "a question"),
    Refuse("shell-argfiles", Refusal::kShellArgFiles, "another form of argument files"),
    Refuse("dump-dep-graph", Refusal::kSideOutputs, "writes a file"),
    Refuse("dump-mir", Refusal::kSideOutputs, "writes files"),
    Refuse("dump-mir-dataflow", Refusal::kSideOutputs, "writes files"),
    Refuse("dump-mir-dir", Refusal::kSideOutputs, "writes files"),
    Refuse("dump-mir-graphviz", Refusal::kSideOutputs, "writes files"),
    Refuse("dump-mono-stats", Refusal::kSideOutputs, "writes a file"),
    Refuse("llvm-time-trace", Refusal::kSideOutputs, "writes a file"),
    Refuse("metrics-dir", Refusal::kSideOutputs, "writes files"),
    Refuse("profile-closures", Refusal::kSideOutputs, "writes a file"),
    Refuse("remark-dir", Refusal::kSideOutputs, "writes files"),
    Refuse("self-profile", Refusal::kSideOutputs, "writes files"),
    Refuse("self-profile-counter", Refusal::kSideOutputs, "goes with self-profile"),
    Refuse("self-profile-events", Refusal::kSideOutputs, "goes with self-profile"),
    Refuse("split-dwarf-out-dir", Refusal::kSideOutputs, "writes files"),
    Refuse("time-llvm-passes", Refusal::kSideOutputs, "prints times"),
    Refuse("time-passes", Refusal::kSideOutputs, "prints times"),
    Refuse("time-passes-format", Refusal::kSideOutputs, "goes with time-passes"),
    Refuse("unpretty", Refusal::kSideOutputs, "prints the source instead of compiling it"),
    Value("allow-features", "success"),
    Value("always-encode-mir", "metadata; build-std"),
    Value("binary-dep-depinfo", "contents of the .d"),
    Value("box-noalias", "code"),
    Value("branch-protection", "code"),
    Value("cf-protection", "code"),
    Value("check-cfg-all-expected", "diagnostics"),
    Value("checksum-hash-algorithm", "contents of the .d"),
    Value("crate-attr", "source"),
    Value("cross-crate-inline-threshold", "code"),
    Value("debug-info-for-profiling", "debug information"),
    Value("debuginfo-compression", "debug information"),
    Value("deduplicate-diagnostics", "diagnostics"),
    Value("default-visibility", "code"),
    Value("direct-access-external-data", "code"),
    Value("dual-proc-macros", "which crates are read"),
    Value("dwarf-version", "debug information"),
    Value("dylib-lto", "code"),
    Value("embed-metadata", "contents of rlibs"),
    Value("embed-source", "debug information"),
    Value("emit-stack-sizes", "code"),
    Value("export-executable-symbols", "linker's command line"),
    Value("fewer-names", "code"),
    Value("fixed-x18", "code"),
    Value("fmt-debug", "code"),
    Value("force-unstable-if-unmarked", "metadata; build-std"),
    Value("function-sections", "code"),
    Value("hint-mostly-unused", "code"),
    Value("inline-mir", "code"),
    Value("inline-mir-hint-threshold", "code"),
    Value("inline-mir-threshold", "code"),
    Value("layout-seed", "code"),
    Value("location-detail", "code"),
    Value("macro-backtrace", "diagnostics"),
    Value("merge-functions", "code"),
    Value("min-function-alignment", "code"),
    Value("mir-opt-level", "code"),
    Value("mutable-noalias", "code"),
    Value("next-solver", "success and code"),
    Value("no-unique-section-names", "code"),
    Value("panic-abort-tests", "code"),
    Value("panic-in-drop", "code"),
    Value("plt", "code"),
    Value("polonius", "success"),
    Value("proc-macro-backtrace", "diagnostics"),
    Value("randomize-layout", "code, by layout-seed"),
    Value("relax-elf-relocations", "code"),
    Value("remap-cwd-prefix", "in the outputs, as given"),
    Value("sanitizer", "code"),
    Value("sanitizer-cfi-canonical-jump-tables", "code"),
    Value("sanitizer-cfi-generalize-pointers", "code"),
    Value("sanitizer-cfi-normalize-integers", "code"),
    Value("sanitizer-memory-track-origins", "code"),
    Value("sanitizer-recover", "code"),
    Value("saturating-float-casts", "code"),
    Value("share-generics", "code"),
    Value("src-hash-algorithm", "debug information"),
    Value("stack-protector", "code"),
    Value("thinlto", "code"),
    Value("tls-model", "code"),
    Value("track-diagnostics", "diagnostics"),
    Value("trap-unreachable", "code"),
    Value("trim-diagnostic-paths", "diagnostics"),
    Value("tune-cpu", "code; native depends on the machine"),
    Value("ub-checks", "code"),
    Value("unstable-options", "permits other flags"),
    Value("use-ctors-section", "code"),
    Value("validate-mir", "success"),
    Value("verify-llvm-ir", "success"),
    Value("virtual-function-elimination", "code"),
    Value("wasm-c-abi", "code"),
};

const OptionRow* FindRow(std::span<const OptionRow> rows, std::string_view name) {
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const OptionRow& each) { return each.name == name; });
  return row == rows.end() ? nullptr : &*row;
}

std::string WithDashes(std::string_view name) {
  std::string dashed(name);
  std::replace(dashed.begin(), dashed.end(), '_', '-');
  return dashed;
}

}  // namespace

std::span<const OptionRow> Options() { return kOptions; }
std::span<const OptionRow> CodegenOptions() { return kCodegenOptions; }
std::span<const OptionRow> UnstableOptions() { return kUnstableOptions; }

const OptionRow* FindOption(std::string_view name) {
  for (const auto& [alias, canonical] : kAliases) {
    if (name == alias) return FindRow(kOptions, canonical);
  }
  return FindRow(kOptions, name);
}

const OptionRow* FindCodegenOption(std::string_view name) { return FindRow(kCodegenOptions, WithDashes(name)); }

const OptionRow* FindUnstableOption(std::string_view name) { return FindRow(kUnstableOptions, WithDashes(name)); }

}  // namespace smelt::rustc
