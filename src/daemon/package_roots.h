#ifndef SMELT_DAEMON_PACKAGE_ROOTS_H_
#define SMELT_DAEMON_PACKAGE_ROOTS_H_

#include <map>
#include <string>

#include "absl/synchronization/mutex.h"
#include "src/base/table.h"
#include "src/compilers/rustc/path_map.h"

namespace smelt {

// Where the packages of a target directory lie that are neither in the workspace nor in cargo's home (path dependencies
// outside, vendored ones). A unit that shows a piece of another package's source in a diagnostic is not told by cargo
// where that is; whoever compiled that package was. Thread-safe; survives restarts in a Table.
class PackageRoots {
 public:
  // Packages remembered for one target directory.
  static constexpr std::size_t kPackagesMax = 1000;

  explicit PackageRoots(Table& table) : table_(table) {}

  // Remembers the package of `paths`, if it has one, and returns `paths` with the others of the same target directory,
  // for display only (Root::canonical is empty).
  rustc::PathMap Complete(const rustc::PathMap& paths);

 private:
  Table& table_;
  absl::Mutex mu_;
  // By target directory: the packages' places by embedded name. What is here is in table_ too.
  std::map<std::string, std::map<std::string, std::string>> known_ ABSL_GUARDED_BY(mu_);
};

}  // namespace smelt

#endif  // SMELT_DAEMON_PACKAGE_ROOTS_H_
