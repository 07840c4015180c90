#ifndef SMELT_DAEMON_TEAM_TEAM_PARTS_H_
#define SMELT_DAEMON_TEAM_TEAM_PARTS_H_

#include "src/daemon/team/fetcher.h"
#include "src/daemon/team/publisher.h"
#include "src/store/shared_cache.h"

namespace smelt {

class Builds;

// Where a team's cache takes part: null where it does not, by the mode or because there is none.
struct TeamParts {
  Fetcher* fetcher = nullptr;      // not in write-only mode
  Publisher* publisher = nullptr;  // not in read-only mode
  SharedCache* shared = nullptr;
  Builds* builds = nullptr;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_TEAM_PARTS_H_
