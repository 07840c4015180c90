#ifndef SMELT_DAEMON_TEAM_RECORDED_UNIT_H_
#define SMELT_DAEMON_TEAM_RECORDED_UNIT_H_

#include "src/digest/digest.h"

namespace smelt {

// One compile of a build: where its predictions lie, and what it came to.
struct RecordedUnit {
  Digest manifest, action;

  friend bool operator==(const RecordedUnit&, const RecordedUnit&) = default;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_TEAM_RECORDED_UNIT_H_
