#include "src/daemon/predictor.h"

#include <utility>

#include "src/base/status_macros.h"

namespace smelt {

Predictor::Predictor(ActionCache& actions, BlobStore& blobs, FileSystem& files, FileDigests& digests, TeamParts team)
    : actions_(actions), blobs_(blobs), files_(files), digests_(digests), team_(team) {}

Manifest Predictor::ReadManifest(const Digest& key) {
  absl::StatusOr<ActionCache::ActionResult> entry = actions_.Get(key);
  return entry.ok() ? ManifestIn(*entry) : Manifest();
}

absl::Status Predictor::WriteManifest(const Digest& key, const Manifest& manifest) {
  return actions_.Put(key, EntryOf(manifest));
}

Predictor::Prediction Predictor::Predict(const Unit& unit) {
  Prediction prediction;
  prediction.manifest = ReadManifest(unit.manifest_key);
  std::vector<Candidate> candidates = TryShapes(unit, 0, prediction);
  if (prediction.result || !team_.fetcher) return prediction;

  AskTeam(candidates, prediction);
  if (prediction.result) return prediction;
  const int known = prediction.manifest.shapes_size();
  std::optional<Manifest> more = team_.fetcher->FetchManifest(unit.manifest_key);
  if (!more) return prediction;
  prediction.manifest = *std::move(more);
  candidates = TryShapes(unit, known, prediction);
  if (!prediction.result) AskTeam(candidates, prediction);
  return prediction;
}

// Looks for results here, for the shapes from number `from` on, until there is one. Gives what has none.
std::vector<Predictor::Candidate> Predictor::TryShapes(const Unit& unit, int from, Prediction& prediction) {
  std::vector<Candidate> candidates;
  ClosureEvaluator evaluator(files_, digests_, unit.paths, unit.working_directory, unit.environment);
  for (int i = from; i < prediction.manifest.shapes_size(); ++i) {
    const Shape& shape = prediction.manifest.shapes(i);
    std::optional<Evaluation> evaluation = evaluator.Evaluate(shape, nullptr);
    if (!evaluation || !IsRepresentable(unit.key, evaluation->closure)) {
      prediction.obstacles.push_back(evaluation ? "something is not UTF-8" : evaluator.obstacle());
      continue;
    }
    Candidate candidate{shape, std::move(evaluation->closure), {}};
    candidate.key = BuildAction(unit.key, candidate.closure).key;
    if (!prediction.candidate) prediction.candidate = candidate.key;
    if (Choose(candidate, actions_.Get(candidate.key), prediction)) break;
    prediction.obstacles.push_back("no result for " + candidate.key.Hex());
    candidates.push_back(std::move(candidate));
  }
  return candidates;
}

void Predictor::AskTeam(std::vector<Candidate>& candidates, Prediction& prediction) {
  for (Candidate& candidate : candidates) {
    if (Choose(candidate, team_.fetcher->FetchResult(candidate.key), prediction)) return;
  }
}

bool Predictor::Choose(Candidate& candidate, absl::StatusOr<ActionCache::ActionResult> result, Prediction& prediction) {
  if (!result.ok()) return false;
  prediction.result = *std::move(result);
  prediction.key = candidate.key;
  prediction.shape = std::move(candidate.shape);
  prediction.closure = std::move(candidate.closure);
  prediction.from_team = team_.fetcher && team_.fetcher->TakeFetched(candidate.key);
  return true;
}

absl::Status Predictor::Learn(const Unit& unit, const Shape& shape, const Closure& closure, const BuiltAction& action,
                              const ActionCache::ActionResult& result) {
  for (const reapi::NamedBlob& blob : unit.toolchain->directories) {
    RETURN_IF_ERROR(blobs_.Put(blob.digest, Bytes(blob.bytes)));
  }
  for (const reapi::NamedBlob& blob : action.blobs) RETURN_IF_ERROR(blobs_.Put(blob.digest, Bytes(blob.bytes)));
  RETURN_IF_ERROR(actions_.Put(action.key, result));
  Manifest manifest = ReadManifest(unit.manifest_key);
  if (Promote(manifest, shape)) RETURN_IF_ERROR(WriteManifest(unit.manifest_key, manifest));
  if (team_.publisher) team_.publisher->AddResult(action.key, unit.manifest_key);
  return absl::OkStatus();
}

void Predictor::Confirm(const Unit& unit, Prediction& prediction) {
  if (Promote(prediction.manifest, prediction.shape)) {
    WriteManifest(unit.manifest_key, prediction.manifest).IgnoreError();
  }
  if (team_.publisher) team_.publisher->NoteHit(prediction.key, unit.manifest_key, prediction.from_team);
}

}  // namespace smelt
