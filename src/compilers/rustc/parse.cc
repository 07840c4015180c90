#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "src/base/path_names.h"
#include "src/compilers/rustc/arg_file.h"
#include "src/compilers/rustc/command_line.h"
#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/option_table.h"
#include "src/compilers/rustc/paths.h"
#include "src/compilers/rustc/target.h"

namespace smelt::rustc {
namespace {

using Environment = std::function<const std::string*(std::string_view)>;

bool IsRustc(std::string_view program) {
  const std::string_view name = BaseName(program);
  return name == "rustc" || name.starts_with("rustc-");
}

bool IsClippy(std::string_view program) { return BaseName(program).starts_with("clippy-driver"); }

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "a=b" -> ("a", "b"); "a" -> ("a", nullopt).
std::pair<std::string, std::optional<std::string>> SplitOnce(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {std::string(text), std::nullopt};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

template <std::size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& all) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

// Takes the programs off the front of the command.
std::optional<Refusal> ReadPrograms(const std::vector<std::string>& command, Invocation& invocation) {
  if (command.empty()) return Refusal::kUnknownToolchain;
  std::size_t programs = 1;
  if (command.size() > 1 && IsRustc(command[1])) {
    if (!IsClippy(command[0])) return Refusal::kUnknownDriver;
    invocation.driver = command[0];
    programs = 2;
  } else if (!IsRustc(command[0])) {
    return Refusal::kUnknownToolchain;
  }
  invocation.compiler = command[programs - 1];
  invocation.raw.assign(command.begin() + static_cast<std::ptrdiff_t>(programs), command.end());
  return std::nullopt;
}

constexpr std::array<std::string_view, 8> kEmitKinds = {"link",    "metadata", "dep-info", "asm",
                                                        "llvm-ir", "llvm-bc",  "mir",      "obj"};
constexpr std::array<std::string_view, 7> kCrateTypes = {"bin",    "lib",       "rlib",      "dylib",
                                                         "cdylib", "staticlib", "proc-macro"};
constexpr std::array<std::string_view, 5> kSearchKinds = {"dependency", "crate", "native", "framework", "all"};

std::optional<Refusal> AddEmits(std::string_view list, std::vector<Emit>& emits) {
  for (const std::string& item : Split(list, ',')) {
    auto [kind, path] = SplitOnce(item, '=');
    if (!IsOneOf(kind, kEmitKinds)) return Refusal::kUnsupportedEmit;
    if (path == "-") return Refusal::kOutputToStdout;
    if (path == "") return Refusal::kMalformedFlag;
    const auto known =
        std::find_if(emits.begin(), emits.end(), [&kind = kind](const Emit& emit) { return emit.kind == kind; });
    if (known == emits.end()) {
      emits.push_back({kind, path});
    } else {
      known->path = path;
    }
  }
  return std::nullopt;
}

std::optional<Refusal> AddCrateTypes(std::string_view list, std::vector<std::string>& types) {
  for (std::string& type : Split(list, ',')) {
    if (!IsOneOf(type, kCrateTypes)) return Refusal::kUnsupportedCrateType;
    types.push_back(std::move(type));
  }
  return std::nullopt;
}

Extern ReadExtern(std::string_view text) {
  auto [left, path] = SplitOnce(text, '=');
  Extern result;
  auto [options, name] = SplitOnce(left, ':');
  result.options = name.has_value() ? options : "";
  result.name = name.has_value() ? *name : options;
  result.path = path.value_or("");
  return result;
}

std::pair<std::string, std::string> ReadSearchPath(std::string_view text) {
  auto [kind, path] = SplitOnce(text, '=');
  if (path.has_value() && IsOneOf(kind, kSearchKinds)) return {kind, *path};
  return {"all", std::string(text)};
}

// How rustc reads booleans of -C: none given is yes.
bool IsOff(const std::optional<std::string>& value) {
  return value == "n" || value == "no" || value == "off" || value == "false";
}

// What decides a refusal only together with the rest of the command line.
struct Circumstances {
  std::vector<std::string> free;  // source files
  bool output_file = false;       // -o
  bool rpath = false;
  bool split_unpacked = false;
  bool debuginfo = false;
  bool many_objects = false;  // code may be spread over several files of one kind
  std::string linker_flavor;
};

std::optional<Refusal> ReadCodegen(Argument& argument, Invocation& invocation, Circumstances& seen) {
  const std::string_view name = std::string_view(argument.flag).substr(3);
  const std::string value = argument.value.value_or("");
  if (name == "extra-filename") invocation.extra_filename = value;
  if (name == "metadata") invocation.metadata = value;
  if (name == "incremental") invocation.incremental = value;
  if (name == "linker") invocation.linker = value;
  if (name == "linker-flavor") seen.linker_flavor = value;
  if (name == "target-cpu" || name == "tune-cpu") invocation.target_cpu_native |= value == "native";
  if (name == "debuginfo") seen.debuginfo = value != "0" && value != "none";
  if (name == "split-debuginfo") seen.split_unpacked = value == "unpacked";
  if (name == "rpath") seen.rpath = !IsOff(argument.value);
  if (name == "codegen-units" || name == "lto") seen.many_objects |= value != "1" && !IsOff(argument.value);
  if (name == "save-temps" && !IsOff(argument.value)) return Refusal::kSideOutputs;
  if (argument.use == KeyUse::kInputFile) invocation.input_files.push_back(value);
  const bool needs_value = name == "incremental" || name == "linker" || argument.use == KeyUse::kInputFile;
  if (needs_value && value.empty()) return Refusal::kMalformedFlag;
  return std::nullopt;
}

std::optional<Refusal> CheckRemapScope(std::string_view list) {
  const std::vector<std::string> scopes = Split(list, ',');
  const auto has = [&](std::string_view scope) {
    return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
  };
  const bool every = has("macro") && has("diagnostics") && has("debuginfo") && has("coverage") && has("object");
  return has("all") || every ? std::nullopt : std::optional(Refusal::kPartialRemap);
}

std::optional<Refusal> ReadArgument(Argument& argument, Invocation& invocation, Circumstances& seen) {
  const std::string& flag = argument.flag;
  const std::string value = argument.value.value_or("");
  if (flag.starts_with("-C ") || flag.starts_with("-Z ")) return ReadCodegen(argument, invocation, seen);
  if (flag.empty()) {
    seen.free.push_back(value);
  } else if (flag == "--crate-name") {
    invocation.crate_name = value;
  } else if (flag == "--crate-type") {
    return AddCrateTypes(value, invocation.crate_types);
  } else if (flag == "--emit") {
    return AddEmits(value, invocation.emits);
  } else if (flag == "--out-dir") {
    invocation.out_dir = value;
  } else if (flag == "--extern") {
    invocation.externs.push_back(ReadExtern(value));
    if (invocation.externs.back().name.empty()) return Refusal::kMalformedFlag;
  } else if (flag == "-L") {
    invocation.search_paths.push_back(ReadSearchPath(value));
  } else if (flag == "-l") {
    invocation.native_libraries.push_back(value);
  } else if (flag == "--test") {
    invocation.test = true;
  } else if (flag == "-g") {
    seen.debuginfo = true;
  } else if (flag == "-o") {
    seen.output_file = true;
  } else if (flag == "--target") {
    invocation.target = value;
    if (!value.ends_with(".json")) return std::nullopt;
    argument.use = KeyUse::kInputFile;
    invocation.input_files.push_back(value);
  } else if (flag == "--error-format") {
    invocation.json_diagnostics = value == "json";
  } else if (flag == "--remap-path-prefix") {
    if (value.find('=') == std::string::npos) return Refusal::kMalformedFlag;
  } else if (flag == "--remap-path-scope") {
    return CheckRemapScope(value);
  }
  return std::nullopt;
}

// Cargo gives each of its own units a -C metadata. Build scripts that try the compiler do not: they are told by what
// only build scripts have in their environment, or by working in their OUT_DIR.
bool IsBuildScriptProbe(const Invocation& invocation, const Circumstances& seen, const std::string& working_directory,
                        const Environment& environment) {
  const std::string* out_dir = environment("OUT_DIR");
  if (!invocation.metadata.empty() || out_dir == nullptr) return false;
  if (environment("HOST") != nullptr && environment("TARGET") != nullptr && environment("NUM_JOBS") != nullptr) {
    return true;
  }
  const auto inside = [&](const std::string& path) {
    return !path.empty() && IsUnder(Normalised(path, working_directory), Normalised(*out_dir, working_directory));
  };
  return inside(invocation.out_dir) || std::any_of(seen.free.begin(), seen.free.end(), inside) ||
         std::any_of(invocation.emits.begin(), invocation.emits.end(),
                     [&](const Emit& emit) { return emit.path.has_value() && inside(*emit.path); });
}

// A probe that only checks a file: its outputs are thrown away, and what counts is whether it succeeds.
bool IsCacheableProbe(const Invocation& invocation, const Circumstances& seen) {
  return !invocation.out_dir.empty() && !seen.output_file && seen.free.size() == 1 && seen.free.front() != "-" &&
         !invocation.emits.empty() &&
         std::all_of(invocation.emits.begin(), invocation.emits.end(), [](const Emit& emit) {
           return !emit.path.has_value() && (emit.kind == "dep-info" || emit.kind == "metadata");
         });
}

std::optional<Refusal> CheckSource(const Circumstances& seen, Invocation& invocation) {
  if (seen.free.empty()) return Refusal::kNoInput;
  if (seen.free.size() > 1) return Refusal::kSeveralInputs;
  if (seen.free.front() == "-") return Refusal::kSourceFromStdin;
  invocation.source = seen.free.front();
  return std::nullopt;
}

std::optional<Refusal> CheckOutputs(const Circumstances& seen, Invocation& invocation) {
  if (invocation.crate_name.empty()) return Refusal::kNoCrateName;
  if (invocation.crate_types.empty()) invocation.crate_types = {"bin"};
  if (invocation.emits.empty()) invocation.emits = {{"link", std::nullopt}};
  const std::vector<Emit>& emits = invocation.emits;
  const bool all_named =
      std::all_of(emits.begin(), emits.end(), [](const Emit& emit) { return emit.path.has_value(); });
  if (seen.output_file && !all_named) return Refusal::kOutputToFile;
  if (invocation.out_dir.empty() && !all_named) return Refusal::kNoOutDir;
  const std::string stem = invocation.crate_name + invocation.extra_filename;
  if (stem.find_first_of("./") != std::string::npos) return Refusal::kMalformedFlag;
  const bool per_unit =
      invocation.Emits("asm") || invocation.Emits("llvm-ir") || invocation.Emits("llvm-bc") || invocation.Emits("obj");
  if (per_unit && seen.many_objects) return Refusal::kUnsupportedEmit;
  const bool one_path_for_several =
      invocation.crate_types.size() > 1 &&
      std::any_of(emits.begin(), emits.end(), [](const Emit& emit) { return emit.kind == "link" && emit.path; });
  if (one_path_for_several) return Refusal::kUnsupportedEmit;
  if (seen.split_unpacked && seen.debuginfo && !IsApple(invocation.target)) return Refusal::kUnpackedSplitDebuginfo;
  return std::nullopt;
}

std::optional<Refusal> CheckLinker(const Circumstances& seen, const Invocation& invocation,
                                   const Environment& environment) {
  if (!invocation.Links()) return std::nullopt;
  constexpr std::array<std::string_view, 4> kFlavors = {"", "gcc", "gnu-cc", "gnu-lld-cc"};
  const bool driven = invocation.linker.has_value() ? IsCCompiler(*invocation.linker, invocation.target)
                                                    : LinkedByCCompiler(invocation.target);
  if (!driven || !IsOneOf(seen.linker_flavor, kFlavors)) return Refusal::kForeignLinker;
  if (seen.rpath) return Refusal::kRpath;
  if (environment("LLD_REPRODUCE") != nullptr) return Refusal::kSideOutputs;
  return std::nullopt;
}

// Where diagnostics are JSON, what decides their look on a terminal changes nothing that is kept.
void KeepDisplayFlags(Invocation& invocation) {
  if (invocation.json_diagnostics) return;
  for (Argument& argument : invocation.arguments) {
    if (argument.flag == "--color" || argument.flag == "--diagnostic-width") argument.use = KeyUse::kValue;
  }
}

std::optional<Refusal> ReadArguments(Invocation& invocation, Circumstances& seen) {
  std::optional<Refusal> first;
  for (Argument& argument : invocation.arguments) {
    const std::optional<Refusal> refusal = ReadArgument(argument, invocation, seen);
    if (!first.has_value()) first = refusal;
  }
  return first;
}

}  // namespace

std::variant<Invocation, Refusal> Parse(const std::vector<std::string>& command, const std::string& working_directory,
                                        const Environment& environment, const ReadFile& read_file) {
  Invocation invocation;
  if (const auto refusal = ReadPrograms(command, invocation)) return *refusal;

  auto expanded = ExpandArgFiles(invocation.raw, read_file);
  if (const auto* refusal = std::get_if<Refusal>(&expanded)) return *refusal;
  invocation.had_arg_file = std::get<ExpandedArguments>(expanded).had_arg_file;
  invocation.raw = std::move(std::get<ExpandedArguments>(expanded).arguments);

  auto read = ReadCommandLine(invocation.raw);
  if (const auto* refusal = std::get_if<Refusal>(&read)) return *refusal;
  invocation.arguments = std::move(std::get<std::vector<Argument>>(read));

  const std::string* log = environment("RUSTC_LOG");
  if (log != nullptr && !log->empty()) return Refusal::kLogging;

  Circumstances seen;
  const std::optional<Refusal> malformed = ReadArguments(invocation, seen);
  invocation.probe = IsBuildScriptProbe(invocation, seen, working_directory, environment);
  if (invocation.probe && !IsCacheableProbe(invocation, seen)) return Refusal::kBuildScriptProbe;
  if (malformed.has_value()) return *malformed;
  if (const auto refusal = CheckSource(seen, invocation)) return *refusal;
  if (const auto refusal = CheckOutputs(seen, invocation)) return *refusal;
  if (const auto refusal = CheckLinker(seen, invocation, environment)) return *refusal;
  KeepDisplayFlags(invocation);
  return invocation;
}

}  // namespace smelt::rustc
