#ifndef SMELT_COMPILERS_RUSTC_PATH_MAP_H_
#define SMELT_COMPILERS_RUSTC_PATH_MAP_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smelt::rustc {

// One directory whose place differs between machines, users and checkouts.
struct Root {
  std::string name;  // "workspace", "package", "cargo", "build", "build-host", "toolchain", "rust-src"
  std::string real;  // absolute, normalised, no trailing slash: "/home/u/proj"
  // How keys and Commands name it: "/smelt/workspace". Empty for a directory that is only known so that diagnostics can
  // show it (another package's sources): paths below it stay literal in keys.
  std::string canonical;
  std::string embedded;  // what --remap-path-prefix puts in its place inside artifacts: "/proc/self/cwd"
};

// Translates between the paths of this machine and those that keys, Commands and artifacts hold. An immutable value.
// All translations are by longest real prefix at a component boundary; paths under no root stay as they are. Pure:
// symbolic links are not followed.
class PathMap {
 public:
  PathMap() = default;
  explicit PathMap(std::vector<Root> roots);

  const std::vector<Root>& roots() const { return roots_; }

  // An absolute path of this machine -> canonical form, lexically normalised. Relative paths are joined to
  // `working_directory` first.
  std::string Canonical(std::string_view path, std::string_view working_directory) const;

  // The reverse. Paths under no canonical root stay as they are.
  std::string Real(std::string_view canonical) const;

  // The --remap-path-prefix arguments (each "--remap-path-prefix=FROM=TO"), shortest FROM first: rustc applies the last
  // that matches. Roots with an empty `embedded` are left out.
  std::vector<std::string> RemapArguments() const;

  // The root that is only known for display (Root::canonical is empty) by which rustc remaps a source at `real`, an
  // absolute, normalised path; null if it is another root, or none.
  const Root* DisplayRootOf(std::string_view real) const;

  // Text written by rustc on this machine (diagnostics, dep-info) -> a template that is the same on every machine:
  // each occurrence of a root's real or embedded prefix, followed by '/' or by a character that cannot continue a path
  // component, becomes a marker that cannot occur in text. An occurrence inside a longer path is left alone. `json`
  // says that paths in the text are JSON-escaped.
  //
  // A marker is the byte 0x01, the root's name, the byte 0x02; a byte 0x01 of the text itself becomes 0x01 0x02 (no
  // root has an empty name). Both functions are exact for any bytes: FromTemplate(ToTemplate(t)) is t, but for embedded
  // prefixes, which become real ones.
  std::string ToTemplate(std::string_view text, bool json) const;

  // A template -> text with this machine's real paths. A marker of a root that is not in this map becomes the canonical
  // path "/smelt/<name>".
  std::string FromTemplate(std::string_view text, bool json) const;

  // The same for a .d file, where a space in a path is written "\ ".
  std::string DepInfoToTemplate(std::string_view text) const;
  std::string DepInfoFromTemplate(std::string_view text) const;

  // (embedded, real) pairs, longest embedded first: what to replace in rustc's diagnostics before cargo sees them.
  std::vector<std::pair<std::string, std::string>> DisplayReplacements() const;

 private:
  std::vector<Root> roots_;
};

// Finds the roots of one compile from what cargo tells rustc: working directory, source, --out-dir, CARGO_MANIFEST_DIR,
// OUT_DIR. `cargo_home` and `sysroot` may be empty; `commit_hash` is rustc's.
//
//   workspace  the working directory when the source is relative     /smelt/workspace   /proc/self/cwd
//   package    CARGO_MANIFEST_DIR outside workspace and cargo home   /smelt/package     /cargo/deps/<name>-<version>
//   cargo      the directory above registry/src or git/checkouts     /smelt/cargo       (only registry and git, as
//                                                                                       /cargo/registry and /cargo/git)
//   build      the profile directory, above deps/ or build/          /smelt/build       /cargo/build-dir
//   build-host the host's or OUT_DIR's profile directory, where it   /smelt/build-host  /cargo/build-dir-host
//              is another one (compiling for another target)
//   toolchain  the sysroot                                           /smelt/toolchain   (only rust-src, see below)
//   rust-src   <sysroot>/lib/rustlib/src/rust  same path below /smelt/toolchain         /rustc/<commit-hash>
struct RootHints {
  std::string working_directory;
  std::string source;
  std::string out_dir;
  std::string manifest_dir;     // CARGO_MANIFEST_DIR, may be empty
  std::string package_name;     // CARGO_PKG_NAME
  std::string package_version;  // CARGO_PKG_VERSION
  std::string build_out_dir;    // OUT_DIR, may be empty
  std::string cargo_home;       // CARGO_HOME or $HOME/.cargo
  std::string sysroot;
  std::string commit_hash;
};
PathMap RootsOf(const RootHints& hints);

}  // namespace smelt::rustc

#endif  // SMELT_COMPILERS_RUSTC_PATH_MAP_H_
