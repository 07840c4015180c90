#include "src/daemon/testing/fake_rustc.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>

#include "src/observer/log.h"
#include "src/observer/log_format.h"

namespace smelt {
namespace {

namespace fs = std::filesystem;
using Kind = ObserverEvent::Kind;

constexpr int kRustc = 100, kLinker = 200, kProgram = 300;
constexpr char kDriver[] = "librustc_driver-1.so";
constexpr char kMacro[] = "libmacro-1.so";

// Large enough to be a file of the store, and to be shared with it.
constexpr std::size_t kRlibBytes = 20'000;

std::optional<std::string> ReadIfThere(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path)) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void Write(const std::string& path, const std::string& bytes, bool executable) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
  fs::permissions(path, fs::perms(executable ? 0755 : 0644));
}

std::string Record(Kind kind, int pid, const std::string& path, const std::string& module) {
  RecordHeader header = {};
  header.kind = static_cast<char>(kind);
  header.mark = kRecordMark;
  header.module_bytes = static_cast<std::uint16_t>(module.size());
  header.path_bytes = static_cast<std::uint32_t>(path.size());
  header.pid = header.tid = pid;
  std::string record(reinterpret_cast<const char*>(&header), sizeof header);
  return record + path + module + kRecordEnd;
}

bool HasKind(const std::string& kinds, const std::string& kind) {
  return ("," + kinds + ",").find("," + kind + ",") != std::string::npos;
}

}  // namespace

// One run: the command line, what has been read, and what is to be written.
struct FakeRustc::Job {
  std::string source, crate_name, extra_filename, out_dir, emits = "link", crate_type = "lib";
  std::vector<std::pair<std::string, std::string>> remaps;
  std::vector<std::string> externs;
  bool incremental = false, failed = false;
  std::string linker_dependency_file, log_path;

  std::string text;                  // what the outputs are made of
  std::vector<std::string> sources;  // as dep-info names them
  std::map<std::string, std::optional<std::string>> variables;
  std::string log, standard_output, standard_error;

  void Parse(const std::vector<std::string>& command) {
    for (std::size_t i = 1; i < command.size(); ++i) {
      const std::string& argument = command[i];
      auto value = [&](const std::string& flag) -> std::optional<std::string> {
        if (argument.starts_with(flag + "=")) return argument.substr(flag.size() + 1);
        return argument == flag && i + 1 < command.size() ? std::optional(command[++i]) : std::nullopt;
      };
      if (auto v = value("--crate-name")) {
        crate_name = *v;
      } else if (v = value("--crate-type"); v) {
        crate_type = *v;
      } else if (v = value("--out-dir"); v) {
        out_dir = *v;
      } else if (v = value("--emit"); v) {
        emits = *v;
      } else if (v = value("--extern"); v) {
        externs.push_back(v->substr(v->find('=') + 1));
      } else if (v = value("--remap-path-prefix"); v) {
        remaps.emplace_back(v->substr(0, v->rfind('=')), v->substr(v->rfind('=') + 1));
      } else if (v = value("-C"); v) {
        if (v->starts_with("extra-filename=")) extra_filename = v->substr(15);
        if (v->starts_with("incremental=")) incremental = true;
      } else if (v = value("-Clink-arg=-Wl,--dependency-file"); v) {
        linker_dependency_file = *v;
      } else if (argument.ends_with(".rs")) {
        source = argument;
      }
    }
  }

  void Add(Kind kind, const std::string& path, const std::string& module = kDriver, int pid = kRustc) {
    log += Record(kind, pid, path, module);
  }

  std::string Remapped(const std::string& path) const {
    std::string result = path;
    for (const auto& [from, to] : remaps) {
      if (path == from || path.starts_with(from + "/")) result = to + path.substr(from.size());
    }
    return result;
  }

  // Reads a file that may be missing; nullopt then.
  std::optional<std::string> Read(const std::string& path, const std::string& module) {
    std::optional<std::string> bytes = ReadIfThere(path);
    Add(fs::exists(path) ? Kind::kRead : Kind::kAbsent, path, module);
    return bytes;
  }
};

FakeRustc::FakeRustc(std::string working_directory, std::vector<std::string> environment, std::function<void()> during)
    : working_directory_(std::move(working_directory)), during_(std::move(during)) {
  for (const std::string& variable : environment) {
    const std::size_t equals = variable.find('=', 1);
    if (equals != variable.npos) environment_.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
}

std::string FakeRustc::Absolute(const std::string& path) const {
  return path.starts_with('/') ? path : working_directory_ + "/" + path;
}

wire::Ran FakeRustc::Run(const wire::Run& run) {
  Job job;
  job.Parse(run.command);
  for (const std::string& variable : run.environment) {
    if (variable.starts_with("SMELT_OBSERVER_LOG=")) job.log_path = variable.substr(variable.find('=') + 1);
  }
  return Compile(job);
}

wire::Ran FakeRustc::RunPlainly(const std::vector<std::string>& command) {
  Job job;
  job.Parse(command);
  return Compile(job);
}

wire::Ran FakeRustc::Compile(Job& job) {
  job.Add(Kind::kProcess, "/fake/bin/rustc", "");
  job.text = "crate " + job.crate_name + " in " + job.Remapped(working_directory_) + "\n";
  ReadSource(job, job.source);
  ReadExterns(job);
  if (job.crate_type == "bin") Link(job);
  if (during_) during_();
  static std::atomic<int> sessions{0};
  if (job.incremental) job.text += "incremental session " + std::to_string(++sessions) + "\n";
  if (!job.failed) WriteOutputs(job);
  if (!job.log_path.empty()) Write(job.log_path, job.log, false);
  return {job.failed ? 1 << 8 : 0, job.standard_output, job.standard_error};
}

void FakeRustc::ReadSource(Job& job, const std::string& path) {
  const std::string real = Absolute(path);
  std::optional<std::string> bytes = job.Read(real, kDriver);
  if (!bytes) {
    job.failed = true;
    job.standard_error += "error: couldn't read " + real + "\n";
    return;
  }
  job.sources.push_back(path);
  std::istringstream lines(*bytes);
  for (std::string line; std::getline(lines, line);) ReadLine(job, path, line);
}

void FakeRustc::ReadLine(Job& job, const std::string& source, const std::string& line) {
  std::istringstream words(line);
  std::string what, operand, second;
  words >> what >> operand >> second;
  const std::string beside = source.substr(0, source.rfind('/') + 1);
  if (what == "mod") {
    const std::string inner = beside + operand + "/mod.rs";
    const bool is_inner = fs::exists(Absolute(inner));
    if (!is_inner) job.Add(Kind::kAbsent, Absolute(inner));
    ReadSource(job, is_inner ? inner : beside + operand + ".rs");
  } else if (what == "include") {
    ReadSource(job, beside + operand);
  } else if (what == "include-env") {
    job.variables[operand] = environment_[operand];
    job.Add(Kind::kGetenv, operand);
    ReadSource(job, environment_[operand] + "/" + second);
  } else if (what == "env") {
    auto found = environment_.find(operand);
    job.variables[operand] = found == environment_.end() ? std::nullopt : std::optional(found->second);
    job.Add(Kind::kGetenv, operand);
    job.text += operand + (found == environment_.end() ? " is unset" : "=" + found->second) + "\n";
  } else if (what == "warn") {
    job.standard_error += "warning: look at " + job.Remapped(Absolute(source)) + "\n";
  } else if (what == "print") {
    job.standard_output += job.Remapped(Absolute(source)) + "\n";
  } else if (what == "fail-if-set") {
    job.Add(Kind::kGetenv, operand);
    job.variables[operand] = std::nullopt;
    if (!environment_.contains(operand)) return;
    ReadLine(job, source, "fail");
  } else if (what == "fail") {
    job.failed = true;
    job.standard_error += "error[E0000]: as it was told\n";
  } else {
    RunMacro(job, what, operand);
    job.text += line + "\n";
  }
}

void FakeRustc::RunMacro(Job& job, const std::string& what, const std::string& operand) {
  const std::string path = Absolute(operand);
  if (what == "macro-env") {
    auto found = environment_.find(operand);
    job.Add(Kind::kGetenv, operand, kMacro);
    job.text += found == environment_.end() ? "unset\n" : "=" + found->second + "\n";
  } else if (what == "macro-read") {
    job.text += job.Read(path, kMacro).value_or("absent") + "\n";
  } else if (what == "macro-exists") {
    const bool exists = fs::exists(path);
    job.Add(exists ? Kind::kStat : Kind::kAbsent, path, "");
    job.text += exists ? "there\n" : "not there\n";
  } else if (what == "macro-list") {
    job.Add(Kind::kDirectory, path, "");
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) job.text += name + "\n";
  } else if (what == "macro-environ") {
    job.Add(Kind::kEnviron, std::string("/deps/") + kMacro, "");
    for (const auto& [name, value] : environment_) {
      if (name != "PATH" && !name.starts_with("SMELT_")) job.text += name + "=" + value + "\n";
    }
  } else if (what == "macro-exec") {
    job.Add(Kind::kExec, operand, "", kProgram);
    job.Add(Kind::kProcess, operand, "", kProgram);
  } else if (what == "macro-write") {
    Write(path, "written", false);
    job.Add(Kind::kWrite, path, kMacro);
  } else if (what == "network") {
    job.Add(Kind::kNetwork, "", kMacro);
  } else if (what == "random") {
    job.Add(Kind::kRandom, std::string(kRandomGetrandom), kMacro);
  } else if (what == "random-seed") {
    job.Add(Kind::kRandom, std::string(kRandomGetrandomInsecure), kMacro);
  }
}

void FakeRustc::ReadExterns(Job& job) {
  for (const std::string& path : job.externs) {
    std::optional<std::string> bytes = job.Read(Absolute(path), kDriver);
    job.failed |= !bytes;
    job.text += "extern " + bytes.value_or("");
  }
}

void FakeRustc::Link(Job& job) {
  std::istringstream directories(environment_["PATH"]);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string cc = directory + "/cc";
    if (::access(cc.c_str(), X_OK) != 0) {
      job.Add(Kind::kAbsent, cc, "", kLinker);
      continue;
    }
    job.Add(Kind::kExec, cc, "", kLinker);
    job.Add(Kind::kProcess, cc, "", kLinker);
    job.text += "linked by " + ReadIfThere(cc).value_or("");
    const std::string library = directory + "/crt1.o";
    if (!job.linker_dependency_file.empty()) {
      Write(job.linker_dependency_file, job.out_dir + "/" + job.crate_name + ": " + library + "\n", false);
    }
    job.text += ReadIfThere(library).value_or("");
    return;
  }
  job.failed = true;
}

void FakeRustc::WriteOutputs(Job& job) {
  const std::string directory = Absolute(job.out_dir) + "/", stem = job.crate_name + job.extra_filename;
  auto announce = [&](const std::string& name, const std::string& kind) {
    job.standard_error +=
        R"({"$message_type":"artifact","artifact":")" + directory + name + R"(","emit":")" + kind + "\"}\n";
  };
  if (HasKind(job.emits, "dep-info")) {
    std::string rule = directory + stem + ".d:";
    for (const std::string& source : job.sources) rule += " " + source;
    rule += "\n";
    for (const auto& [name, value] : job.variables) rule += "\n# env-dep:" + name + (value ? "=" + *value : "");
    Write(directory + stem + ".d", rule + "\n", false);
    announce(stem + ".d", "dep-info");
  }
  if (HasKind(job.emits, "metadata")) {
    Write(directory + "lib" + stem + ".rmeta", "rmeta\n" + job.text, false);
    announce("lib" + stem + ".rmeta", "metadata");
  }
  if (!HasKind(job.emits, "link")) return;
  const bool is_program = job.crate_type == "bin";
  const std::string name = is_program ? stem : "lib" + stem + ".rlib";
  Write(directory + name, "linked\n" + job.text + std::string(kRlibBytes, '.'), is_program);
  announce(name, "link");
}

}  // namespace smelt
