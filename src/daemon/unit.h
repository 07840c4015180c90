#ifndef SMELT_DAEMON_UNIT_H_
#define SMELT_DAEMON_UNIT_H_

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "src/action/closure.h"
#include "src/base/file_system.h"
#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/key_arguments.h"
#include "src/compilers/rustc/path_map.h"
#include "src/daemon/closure_evaluator.h"
#include "src/daemon/package_roots.h"
#include "src/daemon/results.h"
#include "src/daemon/toolchains.h"
#include "src/digest/digest.h"
#include "src/wire/message.h"

namespace smelt {

// One compile as cargo asked for it, and what follows from that without looking at its inputs. Immutable once made.
struct Unit {
  explicit Unit(const wire::Compile& request) : environment(request.environment) {}
  Unit(const Unit&) = delete;

  rustc::Invocation invocation;
  std::string working_directory;
  std::uint32_t umask = 022;  // of the wrapper
  Environment environment;
  std::shared_ptr<const Toolchain> toolchain;
  rustc::PathMap paths;
  UnitKey key;
  Digest manifest_key;   // K0
  std::string identity;  // names the unit in its target directory

  // `path` of the command line, made absolute.
  std::string Absolute(const std::string& path) const;

  UnitOutputs Outputs() const;

  // The compiler and its arguments for a run on this machine.
  std::vector<std::string> Command(const rustc::LocalRun& run) const;
};

// The part of a request to Toolchains that the environment says: where rustup keeps toolchains, and which is chosen.
Toolchains::Request ToolchainRequestIn(const wire::Compile& request, const Environment& environment);

// Takes a request apart. The refusal says why it must be compiled as if smelt were not there. Without `remap` outputs
// hold this machine's paths, and so does the key.
std::variant<std::unique_ptr<Unit>, rustc::Refusal> Understand(const wire::Compile& request, bool remap,
                                                               FileSystem& files, Toolchains& toolchains,
                                                               PackageRoots& packages);

}  // namespace smelt

#endif  // SMELT_DAEMON_UNIT_H_
