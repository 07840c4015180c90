#include "src/daemon/unit.h"

#include <utility>

#include "fmt/format.h"
#include "src/action/action.h"
#include "src/base/path_names.h"
#include "src/compilers/rustc/key_arguments.h"

namespace smelt {
namespace {

constexpr std::int64_t kArgFileBytesMax = 64 << 20;

std::string CargoHome(const Environment& environment) {
  const std::string* cargo_home = environment.Find("CARGO_HOME");
  return cargo_home ? *cargo_home : environment.ValueOr("HOME", "/nonexistent") + "/.cargo";
}

Toolchains::Request ToolchainRequest(const wire::Compile& request, const Unit& unit) {
  Toolchains::Request wanted = ToolchainRequestIn(request, unit.environment);
  wanted.compiler = unit.Absolute(unit.invocation.compiler);
  if (unit.invocation.driver) wanted.driver = unit.Absolute(*unit.invocation.driver);
  wanted.target = unit.invocation.target;
  return wanted;
}

rustc::PathMap Paths(const Unit& unit) {
  rustc::RootHints hints;
  hints.working_directory = unit.working_directory;
  hints.source = unit.invocation.source;
  hints.out_dir = unit.Absolute(unit.invocation.out_dir);
  hints.manifest_dir = unit.environment.ValueOr("CARGO_MANIFEST_DIR", "");
  hints.package_name = unit.environment.ValueOr("CARGO_PKG_NAME", "");
  hints.package_version = unit.environment.ValueOr("CARGO_PKG_VERSION", "");
  hints.build_out_dir = unit.environment.ValueOr("OUT_DIR", "");
  hints.cargo_home = CargoHome(unit.environment);
  hints.sysroot = unit.toolchain->sysroot;
  hints.commit_hash = unit.toolchain->commit_hash;
  return rustc::RootsOf(hints);
}

rustc::PathMap WithoutRemap(const rustc::PathMap& paths) {
  std::vector<rustc::Root> roots = paths.roots();
  for (rustc::Root& root : roots) root.embedded.clear();
  return rustc::PathMap(std::move(roots));
}

void AddLiteralRoots(Unit& unit) {
  std::string roots;
  for (const rustc::Root& root : unit.paths.roots()) roots += fmt::format("{}={}\n", root.name, root.real);
  unit.key.environment.emplace_back("SMELT_LITERAL_ROOTS", roots);
}

UnitKey KeyOf(const Unit& unit) {
  UnitKey key;
  key.toolchain = unit.toolchain->root;
  if (unit.invocation.driver) {
    key.program.push_back(fmt::format("/smelt/toolchain/bin/{}", BaseName(*unit.invocation.driver)));
  }
  key.program.push_back("/smelt/toolchain/bin/rustc");
  key.arguments = rustc::KeyArguments(unit.invocation, unit.paths, unit.working_directory);
  key.working_directory = unit.paths.Canonical(unit.working_directory, "/");
  for (const std::string& name : rustc::FixedEnvironment(unit.invocation)) {
    const std::string* value = unit.environment.Find(name);
    key.environment.emplace_back(name, value ? std::optional(*value) : std::nullopt);
  }
  for (const rustc::Output& output : rustc::OutputsOf(unit.invocation)) {
    key.outputs.push_back(unit.paths.Canonical(output.path, unit.working_directory));
  }
  return key;
}

}  // namespace

std::vector<std::string> Unit::Command(const rustc::LocalRun& run) const {
  std::vector<std::string> command;
  if (invocation.driver) command.push_back(*invocation.driver);
  command.push_back(invocation.compiler);
  for (std::string& argument : rustc::LocalArguments(invocation, paths, run)) command.push_back(std::move(argument));
  return command;
}

Toolchains::Request ToolchainRequestIn(const wire::Compile& request, const Environment& environment) {
  Toolchains::Request wanted;
  wanted.environment = request.environment;
  wanted.rustup_home = environment.ValueOr("RUSTUP_HOME", environment.ValueOr("HOME", "/nonexistent") + "/.rustup");
  wanted.rustup_toolchain = environment.ValueOr("RUSTUP_TOOLCHAIN", "");
  return wanted;
}

std::string Unit::Absolute(const std::string& path) const {
  return path.starts_with('/') ? path : working_directory + "/" + path;
}

UnitOutputs Unit::Outputs() const {
  return {paths, working_directory, rustc::OutputsOf(invocation), invocation.json_diagnostics, umask};
}

std::variant<std::unique_ptr<Unit>, rustc::Refusal> Understand(const wire::Compile& request, bool remap,
                                                               FileSystem& files, Toolchains& toolchains,
                                                               PackageRoots& packages) {
  auto unit = std::make_unique<Unit>(request);
  unit->working_directory = request.working_directory;
  unit->umask = request.umask;
  auto read_file = [&](const std::string& path) -> std::optional<std::string> {
    // Not a pipe, whose contents are the compiler's, nor one of our own descriptors.
    const std::string real = rustc::PathMap().Canonical(path, unit->working_directory);
    absl::StatusOr<FileStat> stat = files.Stat(real);
    if (!stat.ok() || stat->type != FileStat::Type::kRegular || stat->size > kArgFileBytesMax) return std::nullopt;
    if (real.starts_with("/proc/") || real.starts_with("/dev/")) return std::nullopt;
    absl::StatusOr<std::string> text = files.ReadFile(real);
    return text.ok() ? std::optional(*std::move(text)) : std::nullopt;
  };
  auto variable = [&](std::string_view name) { return unit->environment.Find(name); };
  auto parsed = rustc::Parse(request.command, request.working_directory, variable, read_file);
  if (auto* refusal = std::get_if<rustc::Refusal>(&parsed)) return *refusal;
  unit->invocation = std::get<rustc::Invocation>(std::move(parsed));

  auto toolchain = toolchains.Find(ToolchainRequest(request, *unit));
  if (!toolchain.ok()) return rustc::Refusal::kUnknownToolchain;
  unit->toolchain = *toolchain;
  unit->paths = remap ? packages.Complete(Paths(*unit)) : WithoutRemap(Paths(*unit));
  unit->key = KeyOf(*unit);
  if (!remap) AddLiteralRoots(*unit);
  unit->manifest_key = ManifestKey(unit->key);
  unit->identity = fmt::format("{}\n{}\n{}", unit->Absolute(unit->invocation.out_dir), unit->invocation.crate_name,
                               unit->invocation.extra_filename);
  for (const rustc::Emit& emit : unit->invocation.emits) unit->identity += "\n" + emit.kind;
  return unit;
}

}  // namespace smelt
