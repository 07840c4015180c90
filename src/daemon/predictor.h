#ifndef SMELT_DAEMON_PREDICTOR_H_
#define SMELT_DAEMON_PREDICTOR_H_

#include <optional>
#include <string>
#include <vector>

#include "src/action/action.h"
#include "src/action/closure.h"
#include "src/daemon/closure_evaluator.h"
#include "src/daemon/team/team_parts.h"
#include "src/daemon/unit.h"
#include "src/store/action_cache.h"
#include "src/store/blob_store.h"

namespace smelt {

// Finds the action of a unit, and its result, without running the compiler; and learns from runs. What this machine
// knows is tried first; then what the team knows, first for the shapes at hand, then for the team's own. Thread-safe.
class Predictor {
 public:
  Predictor(ActionCache& actions, BlobStore& blobs, FileSystem& files, FileDigests& digests, TeamParts team = {});

  struct Prediction {
    Manifest manifest;
    // The result found, with its key and closure; all or none.
    std::optional<ActionCache::ActionResult> result;
    Digest key;
    Shape shape;
    Closure closure;
    std::vector<std::string> obstacles;  // why each shape did not lead to a result
    std::optional<Digest> candidate;     // the key of the newest shape that holds here, result or not
    bool from_team = false;              // the result came from the team's cache, for this compile
  };
  Prediction Predict(const Unit& unit);

  // Keeps the result of a real run under the closure it was observed to use, and its shape first in the manifest.
  absl::Status Learn(const Unit& unit, const Shape& shape, const Closure& closure, const BuiltAction& action,
                     const ActionCache::ActionResult& result);

  // The shape led to a hit: it comes first from now on.
  void Confirm(const Unit& unit, Prediction& prediction);

 private:
  // A shape that holds here, and what it makes the key.
  struct Candidate {
    Shape shape;
    Closure closure;
    Digest key;
  };

  std::vector<Candidate> TryShapes(const Unit& unit, int from, Prediction& prediction);
  bool Choose(Candidate& candidate, absl::StatusOr<ActionCache::ActionResult> result, Prediction& prediction);
  void AskTeam(std::vector<Candidate>& candidates, Prediction& prediction);
  Manifest ReadManifest(const Digest& key);
  absl::Status WriteManifest(const Digest& key, const Manifest& manifest);

  ActionCache& actions_;
  BlobStore& blobs_;
  FileSystem& files_;
  FileDigests& digests_;
  const TeamParts team_;
};

}  // namespace smelt

#endif  // SMELT_DAEMON_PREDICTOR_H_
