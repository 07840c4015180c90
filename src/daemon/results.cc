#include "src/daemon/results.h"

#include <algorithm>
#include <map>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

// Longer diagnostics become a blob of their own, so that an ActionResult stays small.
constexpr std::size_t kInlineTextBytesMax = 64 << 10;

std::string RealPath(const UnitOutputs& unit, const rustc::Output& output) {
  return output.path.starts_with('/') ? output.path : unit.working_directory + "/" + output.path;
}

// REAPI wants output paths relative; ours are relative to the input root.
std::string ResultPath(const UnitOutputs& unit, const rustc::Output& output) {
  std::string canonical = unit.paths.Canonical(output.path, unit.working_directory);
  return canonical.substr(canonical.starts_with('/') ? 1 : 0);
}

std::uint32_t ModeOf(const UnitOutputs& unit, const rustc::Output& output) {
  return (output.executable ? 0777 : 0666) & ~unit.umask;
}

}  // namespace

Results::Results(FileSystem& files, BlobStore& blobs, OutputFiles& outputs, FileDigests& digests)
    : files_(files), blobs_(blobs), outputs_(outputs), digests_(digests) {}

absl::StatusOr<Digest> Results::StoreFile(const UnitOutputs& unit, const rustc::Output& output,
                                          const std::string& path) {
  if (output.kind == rustc::Output::Kind::kDepInfo) {
    ASSIGN_OR_RETURN(std::string text, files_.ReadFile(path));
    std::string text_template = unit.paths.DepInfoToTemplate(text);
    Digest digest = DigestOf(text_template);
    RETURN_IF_ERROR(blobs_.Put(digest, Bytes(std::move(text_template))));
    return digest;
  }
  ASSIGN_OR_RETURN(Digest digest, outputs_.Ingest(path));
  digests_.Left(path, digest);
  return digest;
}

absl::StatusOr<Results::ActionResult> Results::Store(const UnitOutputs& unit, const std::string& standard_output,
                                                     const std::string& standard_error,
                                                     const std::function<void()>& alive) {
  std::map<std::string, v2::OutputFile> files;
  for (const rustc::Output& output : unit.files) {
    alive();
    const std::string path = RealPath(unit, output);
    if (output.optional && !files_.Stat(path).ok()) continue;
    ASSIGN_OR_RETURN(Digest digest, StoreFile(unit, output, path));
    v2::OutputFile file;
    file.set_path(ResultPath(unit, output));
    *file.mutable_digest() = reapi::ToProto(digest);
    file.set_is_executable(output.executable);
    files.emplace(file.path(), std::move(file));
  }
  ActionResult result;
  for (auto& [path, file] : files) *result.add_output_files() = std::move(file);
  result.set_stdout_raw(unit.paths.ToTemplate(standard_output, false));
  std::string error_template = unit.paths.ToTemplate(standard_error, unit.json_diagnostics);
  if (error_template.size() <= kInlineTextBytesMax) {
    result.set_stderr_raw(std::move(error_template));
  } else {
    Digest digest = DigestOf(error_template);
    *result.mutable_stderr_digest() = reapi::ToProto(digest);
    RETURN_IF_ERROR(blobs_.Put(digest, Bytes(std::move(error_template))));
  }
  return result;
}

absl::Status Results::RestoreFile(const UnitOutputs& unit, const rustc::Output& output, const std::string& path,
                                  const Digest& digest) {
  if (output.kind != rustc::Output::Kind::kDepInfo) {
    const std::uint32_t mode = ModeOf(unit, output);
    if (digests_.IsInPlace(path, digest, mode) && files_.Touch(path).ok()) {
      digests_.Left(path, digest);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(outputs_.Restore(digest, path, mode));
    digests_.Restored(path, digest);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Bytes bytes, blobs_.Get(digest));
  ASSIGN_OR_RETURN(std::string text, bytes.ReadAll());
  return outputs_.Write(path, unit.paths.DepInfoFromTemplate(text), ModeOf(unit, output));
}

absl::StatusOr<std::string> Results::Text(const std::string& raw, const v2::Digest& digest, bool has_digest) {
  if (!has_digest) return raw;
  ASSIGN_OR_RETURN(Digest name, reapi::FromProto(digest));
  ASSIGN_OR_RETURN(Bytes bytes, blobs_.Get(name));
  return bytes.ReadAll();
}

absl::StatusOr<Results::Replay> Results::Restore(const UnitOutputs& unit, const ActionResult& result,
                                                 const std::function<bool()>& is_wanted) {
  std::map<std::string_view, const v2::OutputFile*> files;
  for (const v2::OutputFile& file : result.output_files()) files.emplace(file.path(), &file);

  ASSIGN_OR_RETURN(std::string error_template,
                   Text(result.stderr_raw(), result.stderr_digest(), result.has_stderr_digest()));
  Replay replay;
  for (const rustc::Output& output : unit.files) {
    const std::string name = ResultPath(unit, output);
    auto found = files.find(name);
    if (found == files.end()) {
      if (output.optional) continue;
      return absl::NotFoundError(fmt::format("the stored result has no {}", name));
    }
    ASSIGN_OR_RETURN(Digest digest, reapi::FromProto(found->second->digest()));
    if (!is_wanted()) return absl::CancelledError("nobody waits for it any more");
    RETURN_IF_ERROR(RestoreFile(unit, output, RealPath(unit, output), digest));
    replay.bytes += digest.size;
  }
  replay.standard_output = unit.paths.FromTemplate(result.stdout_raw(), false);
  replay.standard_error = unit.paths.FromTemplate(error_template, unit.json_diagnostics);
  return replay;
}

std::string Results::Difference(const ActionResult& one, const ActionResult& other) {
  std::map<std::string, std::string> expected;
  for (const v2::OutputFile& file : one.output_files()) expected.emplace(file.path(), file.digest().hash());
  std::string difference;
  for (const v2::OutputFile& file : other.output_files()) {
    auto found = expected.find(file.path());
    std::string was = found == expected.end() ? "absent" : found->second;
    if (was != file.digest().hash())
      difference += fmt::format("{}: {} is now {}\n", file.path(), was, file.digest().hash());
  }
  return difference;
}

}  // namespace smelt
