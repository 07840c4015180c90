#ifndef SMELT_DAEMON_TEAM_PROGRAM_DIFFERENCES_H_
#define SMELT_DAEMON_TEAM_PROGRAM_DIFFERENCES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "src/base/table.h"
#include "src/digest/digest.h"
#include "src/store/action_cache.h"
#include "src/store/blob_store.h"
#include "src/store/bytes.h"

namespace smelt {

// Programs as a team's cache holds them: build scripts, proc macros, binaries. Each carries the same standard library,
// and a proc macro the same syn, as the one before it; so all but the first travel as what makes them of another
// (store/zstd_difference.h), their reference.
//
// Such an output's path ends with kDifferenceSuffix, so that who does not know of this finds no program instead of a
// wrong one; its node_properties name what it was and the reference. The reference is an output of the same result, its
// path ends with kReferenceSuffix: so no server has the one without the other.
// docs/adr/0021-a-program-travels-as-a-difference.md.

inline constexpr char kDifferenceSuffix[] = ".difference";
inline constexpr char kReferenceSuffix[] = ".difference-from";

// Smaller ones are not worth it; larger ones are not held in memory.
inline constexpr std::int64_t kProgramBytesMin = 256 << 10;
inline constexpr std::int64_t kProgramBytesMax = 64 << 20;

struct Difference {
  Digest whole, frame, reference;
  Bytes bytes;  // of the frame, where it was made
};

// What a program is compared with: programs that the team has as they are. Forgets by itself; a reference that turns
// out bad costs a try. Thread-safe.
class ProgramReferences {
 public:
  // `table` keeps them for the next daemon, and outlives this.
  explicit ProgramReferences(Table& table);

  // The one that served a program of this name last, then the newest of its kind; a few at most, best first. `path`:
  // the output's, with the hash that cargo puts behind the name.
  std::vector<Digest> For(std::string_view path) const;

  // `reference` served the program at `path`, or is the program at `path` and travelled whole.
  void Note(std::string_view path, const Digest& reference);

  // Held while one program is compared, so that of two that come together one is the other's reference.
  absl::Mutex& comparing() { return comparing_; }

 private:
  void Add(const std::string& key, std::size_t most, const Digest& reference) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Clear() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Table& table_;
  absl::Mutex comparing_;  // before mu_
  mutable absl::Mutex mu_;
  // Of a name or a kind, the newest first; as in the table.
  absl::flat_hash_map<std::string, std::vector<Digest>> newest_ ABSL_GUARDED_BY(mu_);
};

// Puts differences in place of the programs of `result` where that makes a sixth of them or less; frames that are
// large lie in files of `directory`. Errors of reading `blobs` are the store's; a reference that is no longer there is
// none.
absl::StatusOr<std::vector<Difference>> TakeDifferences(ActionCache::ActionResult& result, BlobStore& blobs,
                                                        ProgramReferences& references, const std::string& directory);

// The reverse: `result` names the programs again. INVALID_ARGUMENT for properties that say nothing sensible. What the
// team has is noted in `references`.
absl::StatusOr<std::vector<Difference>> ReadDifferences(ActionCache::ActionResult& result,
                                                        ProgramReferences& references);

// The program, in a file of `directory` when it is large; its digest is not compared. DATA_LOSS for what is no
// difference.
absl::StatusOr<Bytes> ApplyDifference(const Difference& difference, const Bytes& reference, const Bytes& frame,
                                      const std::string& directory);

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_PROGRAM_DIFFERENCES_H_
