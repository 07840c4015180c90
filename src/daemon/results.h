#ifndef SMELT_DAEMON_RESULTS_H_
#define SMELT_DAEMON_RESULTS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "build/bazel/remote/execution/v2/remote_execution.pb.h"
#include "src/base/file_system.h"
#include "src/compilers/rustc/invocation.h"
#include "src/compilers/rustc/path_map.h"
#include "src/digest/file_digests.h"
#include "src/store/blob_store.h"
#include "src/store/local/local_store.h"

namespace smelt {

// The outputs of one unit, and where they lie on this machine.
struct UnitOutputs {
  const rustc::PathMap& paths;
  std::string working_directory;
  std::vector<rustc::Output> files;  // as rustc::OutputsOf gives them
  bool json_diagnostics = false;
  std::uint32_t umask = 022;  // of whoever asked: files have the modes that the compiler would have given them
};

// Turns what a compile wrote into an ActionResult whose blobs are in the store, and back. What holds paths (dep-info,
// diagnostics) is stored as a template and written with this checkout's paths. Thread-safe.
class Results {
 public:
  using ActionResult = build::bazel::remote::execution::v2::ActionResult;

  Results(FileSystem& files, BlobStore& blobs, OutputFiles& outputs, FileDigests& digests);

  // Takes the outputs into the store. NOT_FOUND if one that must be there is not. `alive` is called between files.
  absl::StatusOr<ActionResult> Store(const UnitOutputs& unit, const std::string& standard_output,
                                     const std::string& standard_error, const std::function<void()>& alive);

  // What a compile would have left: the files are in place, and this is what it would have printed.
  struct Replay {
    std::string standard_output, standard_error;
    std::int64_t bytes = 0;  // of all files
  };

  // Puts the outputs in place, dep-info and metadata first. On an error some may be in place already; each is whole.
  // `is_wanted` is asked before each: CANCELLED once it says no, since somebody else may be writing them then.
  absl::StatusOr<Replay> Restore(const UnitOutputs& unit, const ActionResult& result,
                                 const std::function<bool()>& is_wanted);

  // What both say of the same action, file by file; empty if they are equal. For `smelt verify`.
  static std::string Difference(const ActionResult& one, const ActionResult& other);

 private:
  absl::StatusOr<Digest> StoreFile(const UnitOutputs& unit, const rustc::Output& output, const std::string& path);
  absl::Status RestoreFile(const UnitOutputs& unit, const rustc::Output& output, const std::string& path,
                           const Digest& digest);
  absl::StatusOr<std::string> Text(const std::string& raw, const build::bazel::remote::execution::v2::Digest& digest,
                                   bool has_digest);

  FileSystem& files_;
  BlobStore& blobs_;
  OutputFiles& outputs_;
  FileDigests& digests_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_RESULTS_H_
