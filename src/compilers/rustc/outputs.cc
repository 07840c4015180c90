#include <algorithm>
#include <utility>

#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/target.h"

namespace smelt::rustc {
namespace {

std::string Joined(const std::string& directory, const std::string& name) {
  if (directory.empty()) return name;
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

class Namer {
 public:
  explicit Namer(const Invocation& invocation)
      : invocation_(invocation),
        naming_(NamingOf(invocation.target)),
        stem_(invocation.crate_name + invocation.extra_filename) {}

  std::vector<Output> All() {
    // The order in which rustc announces them.
    AddPlain("dep-info", Output::Kind::kDepInfo, stem_ + ".d");
    AddPlain("mir", Output::Kind::kOther, stem_ + ".mir");
    AddPlain("metadata", Output::Kind::kMetadata, "lib" + stem_ + ".rmeta");
    AddPlain("obj", Output::Kind::kOther, stem_ + ".o");
    AddPlain("llvm-bc", Output::Kind::kOther, stem_ + ".bc");
    AddPlain("llvm-ir", Output::Kind::kOther, stem_ + ".ll");
    AddPlain("asm", Output::Kind::kOther, stem_ + ".s");
    for (const std::string& type : CrateTypes()) AddLinked(type);
    AddCompanions();
    return std::move(outputs_);
  }

 private:
  const Emit* Find(std::string_view kind) const {
    for (const Emit& emit : invocation_.emits) {
      if (emit.kind == kind) return &emit;
    }
    return nullptr;
  }

  std::vector<std::string> CrateTypes() const {
    return invocation_.test ? std::vector<std::string>{"bin"} : invocation_.crate_types;
  }

  void AddPlain(std::string_view kind, Output::Kind output_kind, const std::string& name) {
    if (const Emit* emit = Find(kind)) Add(output_kind, *emit, name, false);
  }

  void Add(Output::Kind kind, const Emit& emit, const std::string& name, bool executable) {
    const std::string path = emit.path.value_or(Joined(invocation_.out_dir, name));
    const bool known =
        std::any_of(outputs_.begin(), outputs_.end(), [&](const Output& output) { return output.path == path; });
    if (!known) outputs_.push_back({.kind = kind, .path = path, .executable = executable});
  }

  void AddLinked(const std::string& type) {
    const Emit* emit = Find("link");
    if (emit == nullptr) return;
    if (type == "lib" || type == "rlib") return Add(Output::Kind::kRlib, *emit, "lib" + stem_ + ".rlib", false);
    if (type == "staticlib") return Add(Output::Kind::kStaticlib, *emit, StaticName(), false);
    Add(Output::Kind::kLinked, *emit, type == "bin" ? ProgramName() : SharedName(), true);
  }

  std::string ProgramName() const { return stem_ + std::string(naming_.program_suffix); }
  std::string SharedName() const {
    return std::string(naming_.shared_prefix) + stem_ + std::string(naming_.shared_suffix);
  }
  std::string StaticName() const {
    return std::string(naming_.static_prefix) + stem_ + std::string(naming_.static_suffix);
  }

  // Files that lie beside a linked one where there is debug information or something exported.
  void AddCompanions() {
    const bool packed = std::any_of(
        invocation_.arguments.begin(), invocation_.arguments.end(),
        [](const Argument& argument) { return argument.flag == "-C split-debuginfo" && argument.value == "packed"; });
    const std::vector<Output> announced = outputs_;
    for (const Output& output : announced) {
      if (output.kind != Output::Kind::kLinked) continue;
      if (packed) AddCompanion(output.path + ".dwp");
      if (invocation_.target.ends_with("-windows-gnu") && output.path.ends_with(".dll")) {
        AddCompanion(Joined(invocation_.out_dir, "lib" + stem_ + ".dll.a"));
      }
    }
  }

  void AddCompanion(std::string path) {
    outputs_.push_back({.kind = Output::Kind::kOther, .path = std::move(path), .optional = true});
  }

  const Invocation& invocation_;
  const FileNaming naming_;
  const std::string stem_;
  std::vector<Output> outputs_;
};

}  // namespace

std::vector<Output> OutputsOf(const Invocation& invocation) { return Namer(invocation).All(); }

}  // namespace smelt::rustc
