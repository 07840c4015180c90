#ifndef SMELT_DAEMON_TEAM_SPLICED_RESULTS_H_
#define SMELT_DAEMON_TEAM_SPLICED_RESULTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/digest/digest.h"
#include "src/store/action_cache.h"
#include "src/store/blob_store.h"
#include "src/store/bytes.h"

namespace smelt {

// A library's results as a team's cache holds them. rustc writes metadata twice, as .rmeta and inside the .rlib
// (compilers/rustc/rlib.h), which is a quarter of what a build would have to fetch: so the team has each rlib without
// its metadata, and who fetches it puts them together again.
//
// Such an output's path ends with kRestSuffix, so that who does not know of this finds no rlib instead of a wrong one,
// and its node_properties say what it was. docs/adr/0015-an-rlib-travels-without-its-metadata.md.

inline constexpr char kRestSuffix[] = ".without-metadata";

// whole = rest[0, offset) + metadata + rest[offset, end)
struct Splice {
  Digest whole, rest, metadata;
  std::int64_t offset = 0;
};

// Takes the metadata out of each rlib of `result`. One that cannot be taken apart stays whole; errors of reading
// `blobs` are the store's.
absl::StatusOr<std::vector<Splice>> TakeSplices(ActionCache::ActionResult& result, BlobStore& blobs);

// The reverse: `result` names the rlibs again. INVALID_ARGUMENT for properties that say nothing sensible.
absl::StatusOr<std::vector<Splice>> ReadSplices(ActionCache::ActionResult& result);

// The part of the rlib that travels; in a file of `directory` when it is large.
absl::StatusOr<Bytes> RestOf(const Splice& splice, const Bytes& whole, const std::string& directory);

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_SPLICED_RESULTS_H_
