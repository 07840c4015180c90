#ifndef SMELT_DAEMON_TOOLCHAINS_H_
#define SMELT_DAEMON_TOOLCHAINS_H_

#include <cstdint>
#include <functional>
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
  Digest program;           // the program that compiles: bin/rustc, or its driver
  std::vector<reapi::NamedBlob> directories;
  std::vector<std::pair<std::string, FileStat>> members;  // its files and directories as they were
  std::map<std::string, Digest> digests;                  // of those that are files
};

// Knows toolchains. A toolchain's files are digested once (about half a second) and from then on only stat'ed, at most
// every kCheckNanos: a compile may so be told of a toolchain that was replaced that long ago, as if it had been asked
// for then. Whoever keeps what a compiler made asks IsUnchanged when it has ended. Thread-safe.
class Toolchains {
 public:
  static constexpr std::int64_t kCheckNanos = 50'000'000;
  static constexpr std::size_t kKnownMax = 100;

  // `before_digesting` is called when a toolchain is to be digested of which nothing is remembered.
  Toolchains(FileSystem& files, Clock& clock, FileDigests& digests, Table& table,
             std::function<void()> before_digesting = {});

  // What the compiler to run is.
  struct Request {
    std::string compiler;                  // path of rustc as cargo gave it; rustup's proxy is seen through
    std::string driver;                    // clippy-driver, or empty
    std::string target;                    // --target triple, or empty
    std::vector<std::string> environment;  // "NAME=value"
    std::string rustup_home, rustup_toolchain;
  };

  // FAILED_PRECONDITION if this is no toolchain of a known layout (<sysroot>/bin/rustc beside
  // <sysroot>/lib/librustc_driver-*.so), or if rustc would take its libraries from another sysroot.
  absl::StatusOr<std::shared_ptr<const Toolchain>> Find(const Request& request);

  // The digest of the program that compiles, which takes no time: it is another one in each release, since it names the
  // libraries that it loads, and so tells toolchains apart where being wrong does no harm. Errors as those of Find.
  absl::StatusOr<Digest> Program(const Request& request);

  // True if every file of `toolchain` is what it was when it was digested.
  bool IsUnchanged(const Toolchain& toolchain);

 private:
  bool IsSameMember(const std::string& path, const FileStat& was, const FileStat& now, const Toolchain& toolchain);
  struct Known {
    absl::Mutex mu;  // held while its files are digested
    std::shared_ptr<const Toolchain> toolchain ABSL_GUARDED_BY(mu);
    std::int64_t checked_ns ABSL_GUARDED_BY(mu) = 0;
  };
  // The programs that really run: symbolic links and rustup's proxies seen through. `driver` may be empty.
  struct Programs {
    std::string rustc, driver;
  };

  static Programs Resolve(const Request& request);
  absl::StatusOr<std::string> Sysroot(const Request& request, const Programs& programs);
  absl::StatusOr<Digest> ProgramOf(const Programs& programs, const std::string& sysroot);
  absl::StatusOr<std::shared_ptr<Toolchain>> Read(const Request& request, const Programs& programs);
  absl::Status AddTarget(const std::string& target, Toolchain& toolchain, reapi::InputTree& tree);
  void DigestAhead(const Toolchain& toolchain);
  absl::Status AddTree(const std::string& below, bool recursive, Toolchain& toolchain, reapi::InputTree& tree);
  absl::Status AddFile(const std::string& path, const std::string& name, Toolchain& toolchain, reapi::InputTree& tree);
  absl::Status Ask(const Request& request, Toolchain& toolchain);

  FileSystem& files_;
  Clock& clock_;
  FileDigests& digests_;
  Table& table_;
  const std::function<void()> before_digesting_;
  absl::Mutex mu_;
  std::map<std::string, std::shared_ptr<Known>> known_ ABSL_GUARDED_BY(mu_);
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TOOLCHAINS_H_
