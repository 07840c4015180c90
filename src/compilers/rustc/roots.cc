#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <utility>

#include "src/compilers/rustc/path_map.h"
#include "src/compilers/rustc/paths.h"

namespace smelt::rustc {
namespace {

// "serde-0123456789abcdef".
bool HasHash(std::string_view component) {
  constexpr std::size_t kHashSize = 16;
  if (component.size() <= kHashSize || component[component.size() - kHashSize - 1] != '-') return false;
  return component.find_last_not_of("0123456789abcdef") == component.size() - kHashSize - 1;
}

// The profile directory above one of the directories in which cargo has rustc write; nullopt if it is none of these.
//   P/deps  P/examples                                   libraries and programs
//   P/build/<package>-<hash>  P/build/<package>-<hash>/out   build scripts and their OUT_DIR
//   P/build/<package>/<unit>/out                         everything, in the layout of cargo 1.100
std::optional<std::string> ProfileDirectory(std::string_view directory) {
  const std::vector<std::string_view> parts = Components(directory);
  const auto from_end = [&](std::size_t n) { return n < parts.size() ? parts[parts.size() - 1 - n] : ""; };
  if (from_end(0) == "deps" || from_end(0) == "examples") return Ancestor(directory, 1);
  if (from_end(1) == "build" && HasHash(from_end(0))) return Ancestor(directory, 2);
  if (from_end(0) == "out" && from_end(2) == "build" && HasHash(from_end(1))) return Ancestor(directory, 3);
  if (from_end(0) == "out" && from_end(3) == "build") return Ancestor(directory, 4);
  if (from_end(0) == "out" && from_end(2) == "build") return Ancestor(directory, 3);
  return std::nullopt;
}

// True for the name of a directory that cargo makes for a --target: "aarch64-unknown-linux-gnu".
bool LooksLikeTarget(std::string_view component) {
  constexpr std::array<std::string_view, 26> kArchitectures = {
      "x86_64",  "i386", "i586",   "i686",   "aarch64", "arm",   "thumb", "riscv", "wasm",
      "powerpc", "mips", "s390x",  "sparc",  "loong",   "nvptx", "bpf",   "avr",   "hexagon",
      "csky",    "m68k", "msp430", "xtensa", "amdgcn",  "arm64", "avr32", "or1k"};
  if (component.find('-') == std::string_view::npos) return false;
  return std::any_of(kArchitectures.begin(), kArchitectures.end(),
                     [&](std::string_view each) { return component.starts_with(each); });
}

// target/<triple>/debug -> target/debug.
std::optional<std::string> HostProfile(const std::string& profile) {
  const std::vector<std::string_view> parts = Components(profile);
  if (parts.size() < 3 || !LooksLikeTarget(parts[parts.size() - 2])) return std::nullopt;
  return Ancestor(profile, 2) + "/" + std::string(parts.back());
}

std::string CargoHome(const RootHints& hints) {
  for (const std::string* path : {&hints.manifest_dir, &hints.working_directory, &hints.source}) {
    for (const std::string_view below : {"/registry/src/", "/git/checkouts/"}) {
      const std::size_t at = path->find(below);
      if (at != std::string::npos && at > 0) return Normalised(path->substr(0, at), "/");
    }
  }
  return hints.cargo_home.empty() ? "" : Normalised(hints.cargo_home, hints.working_directory);
}

class Roots {
 public:
  // Adds a root unless its directory is unknown, the whole machine, or has a name already.
  void Add(std::string name, std::string real, std::string embedded) {
    std::string canonical = "/smelt/" + name;
    Add({std::move(name), std::move(real), std::move(canonical), std::move(embedded)});
  }

  void Add(Root root) {
    const bool taken =
        std::any_of(roots_.begin(), roots_.end(), [&](const Root& each) { return each.real == root.real; });
    if (!taken && !root.real.empty() && root.real != "/") roots_.push_back(std::move(root));
  }

  bool Contains(std::string_view path) const {
    return std::any_of(roots_.begin(), roots_.end(), [&](const Root& root) { return IsUnder(path, root.real); });
  }

  std::vector<Root> Take() { return std::move(roots_); }

 private:
  std::vector<Root> roots_;
};

// No embedded name may lie below another: rustc finds the source behind a name only if a single prefix fits.
void AddCargo(const std::string& home, Roots& roots) {
  if (home.empty()) return;
  roots.Add("cargo", home, "");
  for (const std::string part : {"registry", "git"}) {
    roots.Add({"cargo-" + part, home + "/" + part, "/smelt/cargo/" + part, "/cargo/" + part});
  }
}

void AddBuild(const RootHints& hints, Roots& roots) {
  if (hints.out_dir.empty()) return;
  const std::string out_dir = Normalised(hints.out_dir, hints.working_directory);
  const std::string build = ProfileDirectory(out_dir).value_or(out_dir);
  roots.Add("build", build, "/cargo/build-dir");
  std::optional<std::string> other = HostProfile(build);
  if (!other.has_value() && !hints.build_out_dir.empty()) {
    other = ProfileDirectory(Normalised(hints.build_out_dir, hints.working_directory));
  }
  if (other.has_value()) roots.Add("build-host", *other, "/cargo/build-dir-host");
}

}  // namespace

PathMap RootsOf(const RootHints& hints) {
  Roots roots;
  const bool relative = !hints.source.starts_with('/');
  if (relative) roots.Add("workspace", Normalised(hints.working_directory, "/"), "/proc/self/cwd");
  AddCargo(CargoHome(hints), roots);
  if (!hints.manifest_dir.empty()) {
    const std::string package = Normalised(hints.manifest_dir, hints.working_directory);
    if (!roots.Contains(package)) {
      roots.Add("package", package, "/cargo/deps/" + hints.package_name + "-" + hints.package_version);
    }
  }
  AddBuild(hints, roots);
  if (!hints.sysroot.empty()) {
    const std::string sysroot = Normalised(hints.sysroot, hints.working_directory);
    constexpr std::string_view kSources = "/lib/rustlib/src/rust";
    roots.Add("toolchain", sysroot, "");
    if (!hints.commit_hash.empty()) {
      roots.Add({"rust-src", sysroot + std::string(kSources), "/smelt/toolchain" + std::string(kSources),
                 "/rustc/" + hints.commit_hash});
    }
  }
  return PathMap(roots.Take());
}

}  // namespace smelt::rustc
