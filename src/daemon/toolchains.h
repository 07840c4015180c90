#ifndef SMELT_DAEMON_TOOLCHAINS_H_
#define SMELT_DAEMON_TOOLCHAINS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "src/base/clock.h"
#include "src/base/file_system.h"
#include "src/base/table.h"
#include "src/digest/digest.h"
#include "src/digest/file_digests.h"
#include "src/reapi/input_tree.h"

namespace smelt {

// One Rust toolchain, by contents: `rustc -vV` alone is not an identity, since a library of the standard library can
// be replaced behind it.
struct Toolchain {
  std::string sysroot;      // absolute, symbolic links resolved
  std::string host;         // "x86_64-unknown-linux-gnu"
  std::string release;      // "1.95.0"
  std::string commit_hash;  // of rustc's repository; empty if it does not say
  Digest root;              // Directory of the toolchain's input tree: bin/, lib/, ...
  std::vector<reapi::NamedBlob> directories;
};

// Knows toolchains. A toolchain's files are digested once (about half a second) and from then on only stat'ed, at most
// every kCheckNanos. Thread-safe.
class Toolchains {
 public:
  static constexpr std::int64_t kCheckNanos = 50'000'000;

  Toolchains(FileSystem& files, Clock& clock, FileDigests& digests, Table& table);

  // What the compiler to run is.
  struct Request {
    std::string compiler;                  // path of rustc as cargo gave it; rustup's proxy is seen through
    std::string driver;                    // clippy-driver, or empty
    std::string target;                    // --target triple, or empty
    std::vector<std::string> environment;  // "NAME=value"
    std::string rustup_home, rustup_toolchain;
  };

  // FAILED_PRECONDITION if this is no toolchain of a known layout (<sysroot>/bin/rustc beside
  // <sysroot>/lib/librustc_driver-*.so).
  absl::StatusOr<std::shared_ptr<const Toolchain>> Find(const Request& request);

 private:
  struct Known {
    absl::Mutex mu;  // held while its files are digested
    std::shared_ptr<const Toolchain> toolchain ABSL_GUARDED_BY(mu);
    std::vector<std::pair<std::string, FileStat>> members ABSL_GUARDED_BY(mu);  // files and directories
    std::int64_t checked_ns ABSL_GUARDED_BY(mu) = 0;
  };

  absl::StatusOr<std::string> Sysroot(const Request& request);
  absl::StatusOr<std::shared_ptr<Toolchain>> Read(const Request& request, const std::string& sysroot,
                                                  std::vector<std::pair<std::string, FileStat>>& members);
  absl::Status AddTree(const std::string& sysroot, const std::string& below, bool recursive, reapi::InputTree& tree,
                       std::vector<std::pair<std::string, FileStat>>& members);
  absl::Status AddFile(const std::string& path, const std::string& name, reapi::InputTree& tree,
                       std::vector<std::pair<std::string, FileStat>>& members);
  absl::Status Ask(const Request& request, Toolchain& toolchain);
  bool Unchanged(const Known& known) ABSL_SHARED_LOCKS_REQUIRED(known.mu);

  FileSystem& files_;
  Clock& clock_;
  FileDigests& digests_;
  Table& table_;
  absl::Mutex mu_;
  std::map<std::string, std::shared_ptr<Known>> known_ ABSL_GUARDED_BY(mu_);
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TOOLCHAINS_H_
