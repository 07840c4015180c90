#include "src/daemon/predictor.h"

#include <utility>

#include "src/base/status_macros.h"

namespace smelt {

Predictor::Predictor(ActionCache& actions, BlobStore& blobs, FileSystem& files, FileDigests& digests)
    : actions_(actions), blobs_(blobs), files_(files), digests_(digests) {}

Manifest Predictor::ReadManifest(const Digest& key) {
  Manifest manifest;
  absl::StatusOr<ActionCache::ActionResult> entry = actions_.Get(key);
  if (!entry.ok() || !manifest.ParseFromString(entry->stdout_raw())) manifest.Clear();
  return manifest;
}

absl::Status Predictor::WriteManifest(const Digest& key, const Manifest& manifest) {
  ActionCache::ActionResult entry;
  entry.set_stdout_raw(manifest.SerializeAsString());
  return actions_.Put(key, entry);
}

Predictor::Prediction Predictor::Predict(const Unit& unit) {
  Prediction prediction;
  prediction.manifest = ReadManifest(unit.manifest_key);
  ClosureEvaluator evaluator(files_, digests_, unit.paths, unit.working_directory, unit.environment);
  for (const Shape& shape : prediction.manifest.shapes()) {
    std::optional<Evaluation> evaluation = evaluator.Evaluate(shape, nullptr);
    if (!evaluation) {
      prediction.obstacles.push_back(evaluator.obstacle());
      continue;
    }
    if (!IsRepresentable(unit.key, evaluation->closure)) {
      prediction.obstacles.push_back("something is not UTF-8");
      continue;
    }
    BuiltAction action = BuildAction(unit.key, evaluation->closure);
    if (!prediction.candidate) prediction.candidate = action.key;
    absl::StatusOr<ActionCache::ActionResult> result = actions_.Get(action.key);
    if (!result.ok()) {
      prediction.obstacles.push_back("no result for " + action.key.Hex());
      continue;
    }
    prediction.result = *std::move(result);
    prediction.key = action.key;
    prediction.shape = shape;
    prediction.closure = std::move(evaluation->closure);
    break;
  }
  return prediction;
}

absl::Status Predictor::Learn(const Unit& unit, const Shape& shape, const Closure& closure, const BuiltAction& action,
                              const ActionCache::ActionResult& result) {
  for (const reapi::NamedBlob& blob : unit.toolchain->directories) {
    RETURN_IF_ERROR(blobs_.Put(blob.digest, Bytes(blob.bytes)));
  }
  for (const reapi::NamedBlob& blob : action.blobs) RETURN_IF_ERROR(blobs_.Put(blob.digest, Bytes(blob.bytes)));
  RETURN_IF_ERROR(actions_.Put(action.key, result));
  Manifest manifest = ReadManifest(unit.manifest_key);
  if (!Promote(manifest, shape)) return absl::OkStatus();
  return WriteManifest(unit.manifest_key, manifest);
}

void Predictor::Confirm(const Unit& unit, Prediction& prediction) {
  if (Promote(prediction.manifest, prediction.shape)) {
    WriteManifest(unit.manifest_key, prediction.manifest).IgnoreError();
  }
}

}  // namespace smelt
