#ifndef SMELT_DAEMON_TEAM_TEAM_RESULTS_H_
#define SMELT_DAEMON_TEAM_TEAM_RESULTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "src/daemon/team/program_differences.h"
#include "src/daemon/team/spliced_results.h"
#include "src/store/action_cache.h"
#include "src/store/blob_store.h"

namespace smelt {

// A result and what stands for what in it: the team's cache holds rlibs without their metadata (spliced_results.h) and
// programs as differences (program_differences.h). The local cache knows nothing of either.
struct TeamResult {
  ActionCache::ActionResult result;
  std::vector<Splice> splices;
  std::vector<Difference> differences;
};

// The local result as it is for the team. Errors of reading `blobs` are the store's; large parts lie in files of
// `directory`.
absl::StatusOr<TeamResult> ToTeam(ActionCache::ActionResult result, BlobStore& blobs, ProgramReferences& references,
                                  const std::string& directory);

// The reverse, of what the team has. INVALID_ARGUMENT for properties that say nothing sensible.
absl::StatusOr<TeamResult> FromTeam(ActionCache::ActionResult result, ProgramReferences& references);

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_TEAM_RESULTS_H_
