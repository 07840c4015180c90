#include "src/daemon/team/team_results.h"

#include <utility>

#include "src/base/status_macros.h"

namespace smelt {

absl::StatusOr<TeamResult> ToTeam(ActionCache::ActionResult result, BlobStore& blobs, ProgramReferences& references,
                                  const std::string& directory) {
  TeamResult team;
  ASSIGN_OR_RETURN(team.splices, TakeSplices(result, blobs));
  ASSIGN_OR_RETURN(team.differences, TakeDifferences(result, blobs, references, directory));
  team.result = std::move(result);
  return team;
}

absl::StatusOr<TeamResult> FromTeam(ActionCache::ActionResult result, ProgramReferences& references) {
  TeamResult team;
  ASSIGN_OR_RETURN(team.splices, ReadSplices(result));
  ASSIGN_OR_RETURN(team.differences, ReadDifferences(result, references));
  team.result = std::move(result);
  return team;
}

}  // namespace smelt
