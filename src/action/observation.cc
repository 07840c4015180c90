#include "src/action/observation.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "src/base/path_names.h"
#include "src/base/program_path.h"
#include "src/compilers/rustc/key_arguments.h"
#include "src/observer/log_format.h"

namespace smelt {
namespace {

using Kind = ObserverEvent::Kind;

bool StartsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool IsBelow(std::string_view path, std::string_view directory) {
  return !directory.empty() && StartsWith(path, directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

// Objects of the compiler itself: what they look up is in the key, or in dep-info. A shared libstd is not one of them:
// rustc has its own inside, so that only a procedural macro would use it.
bool IsCompilersOwn(std::string_view module) {
  return module.empty() || (IsCompilerObject(module) && !StartsWith(module, "libstd-"));
}

// Programs that a link is made of.
bool IsLinkerTool(std::string_view program) {
  std::string_view name = BaseName(program);
  constexpr std::array<std::string_view, 16> kTools = {"cc", "c++",    "gcc",         "g++",      "clang", "collect2",
                                                       "ld", "ld.lld", "lld",         "rust-lld", "mold",  "wild",
                                                       "ar", "as",     "lto-wrapper", "lto1"};
  for (std::string_view tool : kTools) {
    if (name == tool) return true;
    // x86_64-linux-gnu-gcc-12, clang-14, ld.gold
    std::size_t at = name.find(tool);
    if (at == name.npos || (at > 0 && name[at - 1] != '-')) continue;
    char after = at + tool.size() < name.size() ? name[at + tool.size()] : '-';
    if (after == '-' || after == '.') return true;
  }
  return false;
}

std::string Absolute(std::string_view path, const std::string& directory) {
  if (!path.empty() && path[0] == '/') return std::string(path);
  return directory + "/" + std::string(path);
}

// Puts the events of one run together; lives for one call of Observe.
class Observer {
 public:
  explicit Observer(const RunFacts& facts) : facts_(facts) {
    out_dir_ = Absolute(facts.invocation.out_dir, facts.working_directory);
    if (facts.invocation.incremental) incremental_ = Absolute(*facts.invocation.incremental, facts.working_directory);
    for (const auto& [kind, path] : facts.invocation.search_paths) {
      search_directories_.insert(Absolute(path, facts.working_directory));
    }
    for (const ObserverEvent& event : facts.events) {
      if (event.kind == Kind::kWrite) written_.insert(event.path);
    }
    if (const std::string* path = facts.environment("PATH")) {
      for (const std::string_view directory : ProgramDirectories(*path)) {
        path_directories_.insert(Absolute(directory, facts.working_directory));
      }
    }
    for (const rustc::Output& output : rustc::OutputsOf(facts.invocation)) {
      outputs_.insert(Absolute(output.path, facts.working_directory));
    }
  }

  Observation Run() {
    AddDepInfo();
    CheckPrograms();
    for (const ObserverEvent& event : facts_.events) AddEvent(event);
    for (const std::string& path : facts_.linker_inputs) AddFile(Absolute(path, facts_.working_directory));
    for (const std::string& path : facts_.invocation.input_files)
      AddInputFile(Absolute(path, facts_.working_directory));
    for (const std::string& name : variables_) SortVariable(name);
    Normalize(result_.shape);
    CheckSources();
    return std::move(result_);
  }

 private:
  void Refuse(NotStored reason, std::string_view detail) {
    if (result_.refusal) return;
    result_.refusal = reason;
    result_.detail = std::string(detail);
  }

  // What is at the canonical path on this machine must be what is at `path`.
  std::string Canonical(const std::string& path) {
    std::string canonical = facts_.paths.Canonical(path, facts_.working_directory);
    if (facts_.paths.Real(canonical) != rustc::PathMap().Canonical(path, facts_.working_directory)) {
      Refuse(NotStored::kUnobserved, path);
    }
    return canonical;
  }

  // The directories out of which ".." leads: were they symbolic links, it would lead elsewhere.
  void NotePlainDirectories(const std::string& path, bool must_exist) {
    std::string plain;
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find('/', at + 1), path.size());
      const std::string_view component = std::string_view(path).substr(at, end - at);
      at = end;
      if (component == "/..") {
        if (plain.empty()) continue;
        result_.shape.add_plain_directories(Canonical(plain));
        if (must_exist) result_.shape.add_existing(Canonical(plain));
        plain.resize(plain.rfind('/'));
      } else if (component != "/" && component != "/.") {
        plain += component;
      }
    }
  }

  // Below a temporary directory, and not in a tree that merely lies there.
  bool IsTemporary(const std::string& path) const {
    if (IsBelow(path, incremental_)) return true;
    if (facts_.paths.Canonical(path, facts_.working_directory) != path) return false;
    return std::any_of(facts_.temporary_directories.begin(), facts_.temporary_directories.end(),
                       [&](const std::string& directory) { return IsBelow(path, directory); });
  }

  bool IsTemporaryDirectory(const std::string& path) const {
    const auto& all = facts_.temporary_directories;
    return std::find(all.begin(), all.end(), path) != all.end();
  }

  // Of the toolchain, which is keyed whole. A toolchain in /usr shares its directories with everything else.
  bool IsToolchain(const std::string& path) const {
    return std::any_of(facts_.sysroots.begin(), facts_.sysroots.end(), [&](const std::string& sysroot) {
      if (sysroot.size() > 1 && sysroot != "/usr" && sysroot != "/usr/local") return IsBelow(path, sysroot);
      return IsBelow(path, sysroot + "/lib/rustlib") || path == sysroot + "/bin/rustc" ||
             (DirectoryName(path) == sysroot + "/lib" && IsCompilerObject(BaseName(path)));
    });
  }

  using Paths = std::unordered_set<std::string>;

  static bool IsIn(const Paths& made, std::string_view path) {
    for (; path.size() > 1 && path[0] == '/'; path = DirectoryName(path)) {
      if (made.contains(std::string(path))) return true;
    }
    return false;
  }

  // An output, or something that this run made, or below a directory that it made.
  bool IsOwnProduct(std::string_view path) const {
    return outputs_.contains(std::string(path)) || IsIn(written_, path);
  }

  // A look for an output that may lie there from an earlier compile.
  bool IsOwnName(std::string_view path) const {
    if (DirectoryName(path) != out_dir_) return false;
    const std::string stem = facts_.invocation.crate_name + facts_.invocation.extra_filename;
    std::string_view name = BaseName(path);
    return StartsWith(name, stem) || StartsWith(name, "lib" + stem);
  }

  // Neither an input nor a trace worth keeping.
  bool IsIgnored(const std::string& path) const {
    if (IsToolchain(path) || IsOwnProduct(path) || IsBelow(path, incremental_)) return true;
    if (IsBelow(path, "/dev/shm") || facts_.paths.Canonical(path, facts_.working_directory) != path) return false;
    return IsBelow(path, "/proc") || IsBelow(path, "/sys") || IsBelow(path, "/dev");
  }

  // The sources of the standard library: not keyed with the toolchain, since most have none.
  bool IsToolchainSource(const std::string& path) const {
    return std::any_of(facts_.sysroots.begin(), facts_.sysroots.end(),
                       [&](const std::string& sysroot) { return IsBelow(path, sysroot + "/lib/rustlib/src"); });
  }

  void AddFile(const std::string& path) {
    if (IsIgnored(path) && !IsToolchainSource(path)) return;
    NotePlainDirectories(path, /*must_exist=*/true);
    result_.shape.add_files(Canonical(path));
  }

  void AddInputFile(const std::string& path) {
    if (IsIgnored(path)) return Refuse(NotStored::kUnobserved, path);
    AddFile(path);
  }

  // What is made later was read as somebody else had left it.
  void AddRead(const ObserverEvent& event) {
    if (IsIn(written_, event.path) && !IsIn(made_, event.path) && !outputs_.contains(event.path)) {
      Refuse(NotStored::kSideEffects, event.path);
    }
    AddFile(event.path);
  }

  bool IsCompiler(const ObserverEvent& event) const { return event.pid == compiler_pid_; }

  void AddDepInfo() {
    for (const std::string& source : facts_.dep_info.sources) AddFile(Absolute(source, facts_.working_directory));
    for (const auto& [name, value] : facts_.dep_info.environment) {
      variables_.insert(name);
      compiler_variables_.insert(name);
    }
  }

  // A closure without the unit's own sources would fit anything.
  void CheckSources() {
    auto is_input = [this](const std::string& path) {
      const auto& files = result_.shape.files();
      return std::binary_search(files.begin(), files.end(), Canonical(Absolute(path, facts_.working_directory)));
    };
    if (!is_input(facts_.invocation.source)) return Refuse(NotStored::kUnobserved, facts_.invocation.source);
    for (const std::string& source : facts_.dep_info.sources) {
      if (!is_input(source) && !IsToolchain(source)) return Refuse(NotStored::kUnobserved, source);
    }
  }

  // Every program that was started must have checked in, and must be a part of a link.
  void CheckPrograms() {
    if (facts_.events.empty() || facts_.events.front().kind != Kind::kProcess) {
      return Refuse(NotStored::kUnobserved, "no process checked in");
    }
    compiler_pid_ = facts_.events.front().pid;
    for (const ObserverEvent& event : facts_.events) {
      if (event.kind != Kind::kProcess || event.pid == compiler_pid_) continue;
      if (!facts_.invocation.Links() || !IsLinkerTool(event.path)) return Refuse(NotStored::kRanAProgram, event.path);
    }
    for (const ObserverEvent& event : facts_.events) {
      if (event.kind != Kind::kExec) continue;
      if (!facts_.invocation.Links() || !IsLinkerTool(event.path)) return Refuse(NotStored::kRanAProgram, event.path);
    }
    const std::vector<std::string> untraced = UntracedPrograms(facts_.events);
    if (!untraced.empty() && facts_.linker_inputs.empty()) Refuse(NotStored::kUnobservedProgram, untraced.front());
  }

  // In a directory that is gone.
  static bool IsNowhere(const ObserverEvent& event) {
    constexpr std::string_view kOfPaths = "RWASDXL";
    return kOfPaths.find(static_cast<char>(event.kind)) != kOfPaths.npos && !StartsWith(event.path, "/");
  }

  void AddEvent(const ObserverEvent& event) {
    if (IsNowhere(event)) return Refuse(NotStored::kUnobserved, event.path);
    if (event.kind == Kind::kRead && IsCompiler(event)) compiler_started_ = true;
    switch (event.kind) {
      case Kind::kRead:
        return AddRead(event);
      case Kind::kStat:
        return AddStat(event);
      case Kind::kAbsent:
        return AddAbsent(event);
      case Kind::kDirectory:
        return AddListing(event);
      case Kind::kGetenv:
        return AddGetenv(event);
      case Kind::kWrite:
        return AddWrite(event);
      case Kind::kLoaded:
        return AddLoaded(event);
      case Kind::kExec:
        return AddTool(event.path);
      case Kind::kEnviron:
        if (IsCompiler(event) && !IsCompilersOwn(BaseName(event.path))) result_.shape.set_whole_environment(true);
        return;
      case Kind::kWorkingDirectory:
        if (IsCompiler(event)) result_.shape.set_working_directory(true);
        return;
      case Kind::kNetwork:
        return Refuse(NotStored::kNetwork, event.module);
      case Kind::kRandom:
        if (IsCompiler(event) && event.path != kRandomGetrandomInsecure) Refuse(NotStored::kRandom, event.module);
        return;
      default:
        return;
    }
  }

  // Without it nothing tells what the compiler itself asked for, nor that it found every crate.
  bool HasDepInfo() const { return !facts_.dep_info.sources.empty(); }

  bool IsSearchDirectory(std::string_view path) const {
    return path == out_dir_ || search_directories_.contains(std::string(path));
  }

  void AddStat(const ObserverEvent& event) {
    if (!IsCompiler(event) || IsIgnored(event.path)) return;
    if (IsSearchDirectory(event.path) || IsSearchDirectory(DirectoryName(event.path))) return;
    if (IsOwnName(event.path) || IsTemporaryDirectory(event.path)) return;
    NotePlainDirectories(event.path, /*must_exist=*/true);
    result_.shape.add_existing(Canonical(event.path));
  }

  void AddAbsent(const ObserverEvent& event) {
    if (IsIgnored(event.path) || IsOwnName(event.path)) return;
    if (!IsCompiler(event) && IsTemporary(event.path)) return;
    std::string_view directory = DirectoryName(event.path);
    if (IsCompiler(event) && IsSearchDirectory(directory) && !IsNativeSearch(directory)) return;
    // Where the linker's driver looks for programs: see Shape.tools.
    if (!IsCompiler(event) && path_directories_.contains(std::string(directory))) return;
    NotePlainDirectories(event.path, /*must_exist=*/false);
    result_.shape.add_absent(Canonical(event.path));
  }

  // -L native and plain -L are searched for libraries by name: what is not there decides.
  bool IsNativeSearch(std::string_view directory) const {
    for (const auto& [kind, path] : facts_.invocation.search_paths) {
      if (kind != "dependency" && kind != "crate" && Absolute(path, facts_.working_directory) == directory) return true;
    }
    return false;
  }

  void AddListing(const ObserverEvent& event) {
    if (IsIgnored(event.path) || !IsCompiler(event)) return;
    if (IsSearchDirectory(event.path) && (HasDepInfo() || event.path == out_dir_)) return;
    NotePlainDirectories(event.path, /*must_exist=*/true);
    result_.shape.add_listings(Canonical(event.path));
  }

  void AddGetenv(const ObserverEvent& event) {
    if (!IsCompiler(event)) return;
    if (!rustc::MayEnterKey(event.path)) return;
    if (!IsCompilersOwn(event.module)) {
      variables_.insert(event.path);
      macro_variables_.insert(event.path);
    } else if (!HasDepInfo() && StartsWith(event.module, "librustc_driver-")) {
      variables_.insert(event.path);
    }
  }

  // The libraries that the compiler starts with are the toolchain's and the system's; what it loads later, macros load.
  void AddLoaded(const ObserverEvent& event) {
    if (!IsCompiler(event) || compiler_started_) AddFile(event.path);
  }

  // What the compiler, or a linker, makes on its way.
  bool IsIntermediate(const ObserverEvent& event) const {
    if (!IsBelow(event.path, out_dir_)) return false;
    if (!IsCompiler(event) || event.path == out_dir_) return true;
    const std::string_view below = std::string_view(event.path).substr(out_dir_.size() + 1);
    const std::string_view name = below.substr(0, below.find('/'));
    return IsOwnName(out_dir_ + "/" + std::string(name)) || StartsWith(name, "rmeta") || StartsWith(name, "rustc") ||
           StartsWith(name, ".tmp");
  }

  void AddWrite(const ObserverEvent& event) {
    made_.insert(event.path);
    if (IsIntermediate(event) || IsTemporary(event.path) || outputs_.contains(event.path)) return;
    if (IsBelow(event.path, "/proc") || (IsBelow(event.path, "/dev") && !IsBelow(event.path, "/dev/shm"))) return;
    Refuse(NotStored::kSideEffects, event.path);
  }

  // What was run is an input by content; what was found by way of PATH must be what PATH leads to.
  void AddTool(const std::string& path) {
    AddFile(path);
    if (!path_directories_.contains(std::string(DirectoryName(path)))) return;
    Shape::Tool& tool = *result_.shape.add_tools();
    tool.set_name(std::string(BaseName(path)));
    tool.set_path(Canonical(path));
  }

  // Decides whether a variable enters with its value or as a mere prefix of file names.
  void SortVariable(const std::string& name) {
    const std::string* value = facts_.environment(name);
    bool is_path = value && !macro_variables_.contains(name) && compiler_variables_.contains(name) &&
                   value->size() > 1 && (*value)[0] == '/' && Canonical(*value) != *value &&
                   OnlyNamesFiles(name, *value);
    (is_path ? result_.shape.add_path_variables() : result_.shape.add_variables())->assign(name);
  }

  // True if each look-up of `name` by the compiler is followed, in the same thread, by opening a file below `value`
  // before anything else is looked up or opened.
  bool OnlyNamesFiles(const std::string& name, const std::string& value) const {
    std::unordered_set<std::int32_t> waiting;
    bool seen = false;
    for (const ObserverEvent& event : facts_.events) {
      if (!IsCompiler(event)) continue;
      bool asked = event.kind == Kind::kGetenv;
      bool opened = event.kind == Kind::kRead;
      if (!asked && !opened && event.kind != Kind::kDirectory && event.kind != Kind::kWrite) continue;
      if (waiting.erase(event.tid) > 0 && !(opened && IsBelow(event.path, value))) return false;
      if (asked && event.path == name) {
        waiting.insert(event.tid);
        seen = true;
      }
    }
    return seen && waiting.empty();
  }

  const RunFacts& facts_;
  Observation result_;
  std::string out_dir_, incremental_;
  std::int32_t compiler_pid_ = 0;
  bool compiler_started_ = false;
  Paths search_directories_, path_directories_, outputs_;
  Paths written_, made_;  // by the whole run; so far
  std::set<std::string> variables_, macro_variables_, compiler_variables_;
};

}  // namespace

std::string_view Name(NotStored reason) {
  constexpr std::array<std::string_view, kNotStoredReasons> kNames = {
      "compiler_failed", "incremental",  "private_inputs",     "inputs_changed", "outputs_missing",
      "unobserved",      "disk_full",    "unobserved_program", "ran_a_program",  "network",
      "random",          "side_effects", "not_utf8",           "output_limit",   "store_failed"};
  return kNames[static_cast<std::size_t>(reason)];
}

Observation Observe(const RunFacts& facts) { return Observer(facts).Run(); }

}  // namespace smelt
