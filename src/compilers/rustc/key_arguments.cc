#include "src/compilers/rustc/key_arguments.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "fmt/format.h"
#include "src/compilers/rustc/paths.h"

namespace smelt::rustc {
namespace {

class KeyWriter {
 public:
  KeyWriter(const Invocation& invocation, const PathMap& paths, const std::string& working_directory)
      : invocation_(invocation), paths_(paths), working_directory_(working_directory) {}

  std::vector<std::string> Write() {
    AddRemaps();
    std::size_t next_extern = 0;
    for (const Argument& argument : invocation_.arguments) {
      if (argument.use == KeyUse::kExcluded) continue;
      if (argument.use == KeyUse::kLinkOnly && !invocation_.Links()) continue;
      if (argument.use == KeyUse::kExtern) {
        Add(argument.flag, ExternText(invocation_.externs[next_extern++]));
      } else if (argument.use == KeyUse::kEmit) {
        if (!emits_written_) Add(argument.flag, EmitText());
        emits_written_ = true;
      } else {
        Add(argument.flag, ValueText(argument));
      }
    }
    return std::move(result_);
  }

 private:
  // As RemapArguments, for a machine on which every root lies at its canonical place.
  void AddRemaps() {
    std::vector<const Root*> roots;
    for (const Root& root : paths_.roots()) {
      if (!root.embedded.empty() && !root.canonical.empty()) roots.push_back(&root);
    }
    std::sort(roots.begin(), roots.end(), [](const Root* a, const Root* b) { return a->canonical < b->canonical; });
    for (const Root* root : roots) {
      result_.push_back(fmt::format("--remap-path-prefix={}={}", root->canonical, root->embedded));
    }
  }

  // A relative path stays relative if it means the same below the canonical working directory: rustc writes the source
  // into its outputs as it was given.
  std::string PathText(const std::string& path) const {
    const std::string canonical = paths_.Canonical(path, working_directory_);
    if (path.empty() || path.starts_with('/')) return canonical;
    const std::string relative = Normalised(path, "/");
    if (Normalised(path, working_directory_) != Normalised(working_directory_, "/") + relative) return canonical;
    return canonical == paths_.Canonical(".", working_directory_) + relative ? path : canonical;
  }

  std::string ExternText(const Extern& each) const {
    const std::string name = each.options.empty() ? each.name : each.options + ":" + each.name;
    return each.path.empty() ? name : name + "=" + PathText(each.path);
  }

  std::string EmitText() const {
    std::string text;
    for (const Emit& emit : invocation_.emits) {
      if (!text.empty()) text += ',';
      text += emit.kind;
      if (emit.path.has_value()) text += "=" + PathText(*emit.path);
    }
    return text;
  }

  std::optional<std::string> ValueText(const Argument& argument) const {
    if (!argument.value.has_value()) return std::nullopt;
    const std::string& value = *argument.value;
    if (argument.flag == "-L") return SearchPathText(value);
    if (argument.use == KeyUse::kPath || argument.use == KeyUse::kInputFile) return PathText(value);
    if (argument.use == KeyUse::kPathPair) {
      const std::size_t equals = value.rfind('=');
      const std::string from = value.substr(0, equals);
      return (from.starts_with('/') ? PathText(from) : from) + value.substr(equals);
    }
    return value;
  }

  std::string SearchPathText(const std::string& value) const {
    for (const std::string_view kind : {"dependency=", "crate=", "native=", "framework=", "all="}) {
      if (value.starts_with(kind)) return std::string(kind) + PathText(value.substr(kind.size()));
    }
    return PathText(value);
  }

  void Add(const std::string& flag, const std::optional<std::string>& value) {
    std::string text = flag;
    std::erase(text, ' ');  // "-C opt-level" is given as "-Copt-level"
    const bool joined_by_equals = text.starts_with("--") || text != flag;
    if (value.has_value() && joined_by_equals) text += '=';
    result_.push_back(text + value.value_or(""));
  }

  const Invocation& invocation_;
  const PathMap& paths_;
  const std::string& working_directory_;
  bool emits_written_ = false;
  std::vector<std::string> result_;
};

// Read by rustc or LLVM for every unit.
constexpr std::array<std::string_view, 17> kAlwaysRead = {
    "IPHONEOS_DEPLOYMENT_TARGET",
    "LLVM_IGNORED_ENV_VAR",
    "LLVM_OVERRIDE_PRODUCER",
    "MACOSX_DEPLOYMENT_TARGET",
    "QNX_TARGET",
    "RUSTC_BOOTSTRAP",
    "RUSTC_CTFE_BACKTRACE",
    "RUSTC_FORCE_RUSTC_VERSION",
    "RUSTC_OVERRIDE_VERSION_STRING",
    "RUST_TARGET_PATH",
    "SDKROOT",
    "TVOS_DEPLOYMENT_TARGET",
    "VCINSTALLDIR",
    "VISIONOS_DEPLOYMENT_TARGET",
    "WATCHOS_DEPLOYMENT_TARGET",
    "XROS_DEPLOYMENT_TARGET",
    "EMCC_CFLAGS",
};

// Read by the C compiler that links, or by its linker. LC_ALL is not: rustc sets it.
constexpr std::array<std::string_view, 11> kReadByLinkers = {
    "COMPILER_PATH",        "GCC_EXEC_PREFIX", "GNUTARGET", "LDEMULATION",         "LD_RUN_PATH",
    "LIBRARY_PATH",         "LLD_VERSION",     "LPATH",     "COLLECT_NO_DEMANGLE", "SOURCE_DATE_EPOCH",
    "CCC_OVERRIDE_OPTIONS",
};

constexpr std::array<std::string_view, 3> kReadByClippy = {"CLIPPY_ARGS", "CLIPPY_CONF_DIR",
                                                           "CLIPPY_DISABLE_DOCS_LINKS"};

constexpr std::array<std::string_view, 13> kNeverInKeys = {
    "CARGO_MAKEFLAGS",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MALLOC_CONF",
    "MFLAGS",
    "PATH",
    "RUSTC_GRAPHVIZ_FONT",
    "RUST_BACKTRACE",
    "RUST_LIB_BACKTRACE",
    "RUST_MIN_STACK",
    "_RJEM_MALLOC_CONF",
};

}  // namespace

std::vector<std::string> KeyArguments(const Invocation& invocation, const PathMap& paths,
                                      const std::string& working_directory) {
  return KeyWriter(invocation, paths, working_directory).Write();
}

std::vector<std::string> LocalArguments(const Invocation& invocation, const PathMap& paths, const LocalRun& run) {
  std::vector<bool> dropped(invocation.raw.size(), false);
  for (const Argument& argument : invocation.arguments) {
    if (run.incremental || argument.flag != "-C incremental") continue;
    std::fill_n(dropped.begin() + argument.first, argument.count, true);
  }
  std::vector<std::string> arguments = paths.RemapArguments();
  for (std::size_t i = 0; i < invocation.raw.size(); ++i) {
    if (!dropped[i]) arguments.push_back(invocation.raw[i]);
  }
  if (!run.linker_dependency_file.empty()) {
    arguments.push_back("-Clink-arg=-Wl,--dependency-file=" + run.linker_dependency_file);
  }
  if (!run.state_directory.empty()) {
    arguments.push_back("-Cincremental=" + run.state_directory);
    if (invocation.Links()) arguments.push_back("-Clinker=/bin/false");
  }
  return arguments;
}

std::vector<std::string> FixedEnvironment(const Invocation& invocation) {
  std::vector<std::string> names(kAlwaysRead.begin(), kAlwaysRead.end());
  if (invocation.Links()) names.insert(names.end(), kReadByLinkers.begin(), kReadByLinkers.end());
  if (invocation.driver.has_value()) names.insert(names.end(), kReadByClippy.begin(), kReadByClippy.end());
  std::sort(names.begin(), names.end());
  return names;
}

bool MayEnterKey(const std::string& variable) {
  if (variable.starts_with("RUSTC_LOG") || variable.starts_with("SMELT_")) return false;
  return std::find(kNeverInKeys.begin(), kNeverInKeys.end(), variable) == kNeverInKeys.end();
}

}  // namespace smelt::rustc
