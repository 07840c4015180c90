#include "src/daemon/team/program_differences.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/daemon/team/stand_in.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/reapi/node_properties.h"
#include "src/store/spool.h"
#include "src/store/zstd_difference.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr std::int64_t kShrinksTo = 6;          // a sixth: zstd alone makes a quarter
constexpr std::int64_t kHeldBytes = 256 << 10;  // of a frame, in memory
constexpr std::size_t kOfKindMax = 2;
constexpr std::size_t kNamesMax = 10'000;  // beyond this the memory of them begins anew
constexpr char kReference[] = "smelt.reference";

bool IsComparable(const Digest& program) {
  return program.size >= kProgramBytesMin && program.size <= kProgramBytesMax;
}

std::string_view ExtensionOf(std::string_view path) { return path.ends_with(".so") ? ".so" : ""; }

std::string KindOf(std::string_view path) { return fmt::format("kind {}", ExtensionOf(path)); }

// "name libserde_derive.so" of "target/debug/deps/libserde_derive-cce21b9dd35a3839.so".
std::string NameOf(std::string_view path) {
  path.remove_prefix(std::min(path.size(), path.rfind('/') + 1));
  return fmt::format("name {}{}", path.substr(0, path.rfind('-')), ExtensionOf(path));
}

std::string TextOf(const std::vector<Digest>& digests) {
  std::string text;
  for (const Digest& digest : digests) text += digest.ToString() + ' ';
  return text;
}

// The reverse; what is none is left out.
std::vector<Digest> DigestsIn(std::string_view text) {
  std::vector<Digest> digests;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    const auto digest = Digest::Parse(word);
    if (digest.ok() && IsComparable(*digest)) digests.push_back(*digest);
  }
  return digests;
}

// Nothing if the reference is not here as it should be, or there is not much of it in the program.
absl::StatusOr<std::optional<Difference>> Compare(const Digest& whole, std::string_view program,
                                                  const Digest& reference, BlobStore& blobs,
                                                  const std::string& directory) {
  const auto stored = blobs.Get(reference);
  const auto from = stored.ok() ? InMemory(*stored) : stored.status();
  if (!from.ok() || DigestOf(*from->contents()) != reference) return std::nullopt;
  const std::string frame = ZstdDifference(*from->contents(), program);
  if (frame.empty() || static_cast<std::int64_t>(frame.size()) > whole.size / kShrinksTo) return std::nullopt;
  Spool spool(directory, kHeldBytes);
  RETURN_IF_ERROR(spool.Append(frame));
  Difference difference = {.whole = whole, .frame = DigestOf(frame), .reference = reference, .bytes = {}};
  ASSIGN_OR_RETURN(difference.bytes, spool.Finish());
  return difference;
}

// The program at `path` by one of its references; nothing if it has to go as it is, and is one from now on.
absl::StatusOr<std::optional<Difference>> DifferenceOf(std::string_view path, const Digest& whole, BlobStore& blobs,
                                                       ProgramReferences& references, const std::string& directory) {
  const absl::MutexLock lock(&references.comparing());
  const std::vector<Digest> candidates = references.For(path);
  if (std::find(candidates.begin(), candidates.end(), whole) != candidates.end()) return std::nullopt;
  std::optional<std::string> program;
  for (const Digest& reference : candidates) {
    if (!program) {
      ASSIGN_OR_RETURN(const Bytes bytes, blobs.Get(whole));
      ASSIGN_OR_RETURN(program, bytes.ReadAll());
      if (DigestOf(*program) != whole) return absl::DataLossError(fmt::format("blob {} is corrupt", whole.ToString()));
    }
    ASSIGN_OR_RETURN(std::optional<Difference> difference, Compare(whole, *program, reference, blobs, directory));
    if (!difference) continue;
    references.Note(path, reference);
    return difference;
  }
  references.Note(path, whole);
  return std::nullopt;
}

absl::StatusOr<Difference> DifferenceIn(const v2::OutputFile& file) {
  Difference difference;
  ASSIGN_OR_RETURN(difference.whole, WholeOf(file));
  ASSIGN_OR_RETURN(difference.reference, Digest::Parse(reapi::PropertyOf(file, kReference)));
  ASSIGN_OR_RETURN(difference.frame, reapi::FromProto(file.digest()));
  const bool fits = IsComparable(difference.whole) && IsComparable(difference.reference) &&
                    difference.frame.size <= difference.whole.size;
  if (fits) return difference;
  return absl::InvalidArgumentError(
      fmt::format("{}: node_properties do not fit its {} bytes", file.path(), difference.frame.size));
}

}  // namespace

ProgramReferences::ProgramReferences(Table& table) : table_(table) {
  const absl::MutexLock lock(&mu_);
  table_.ForEach([&](std::string_view key, std::string_view value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    newest_[std::string(key)] = DigestsIn(value);
    return true;
  });
}

std::vector<Digest> ProgramReferences::For(std::string_view path) const {
  const absl::MutexLock lock(&mu_);
  std::vector<Digest> candidates;
  for (const std::string& key : {NameOf(path), KindOf(path)}) {
    const auto found = newest_.find(key);
    if (found == newest_.end()) continue;
    for (const Digest& digest : found->second) {
      if (std::find(candidates.begin(), candidates.end(), digest) == candidates.end()) candidates.push_back(digest);
    }
  }
  return candidates;
}

void ProgramReferences::Note(std::string_view path, const Digest& reference) {
  if (!IsComparable(reference)) return;
  const absl::MutexLock lock(&mu_);
  if (newest_.size() > kNamesMax) Clear();
  Add(NameOf(path), 1, reference);
  Add(KindOf(path), kOfKindMax, reference);
}

void ProgramReferences::Add(const std::string& key, std::size_t most, const Digest& reference) {
  std::vector<Digest>& newest = newest_[key];
  if (!newest.empty() && newest.front() == reference) return;
  std::erase(newest, reference);
  newest.insert(newest.begin(), reference);
  if (newest.size() > most) newest.resize(most);
  table_.Put(key, TextOf(newest)).IgnoreError();
}

void ProgramReferences::Clear() {
  for (const auto& [key, newest] : newest_) table_.Delete(key).IgnoreError();
  newest_.clear();
}

absl::StatusOr<std::vector<Difference>> TakeDifferences(ActionCache::ActionResult& result, BlobStore& blobs,
                                                        ProgramReferences& references, const std::string& directory) {
  std::vector<Difference> differences;
  std::vector<v2::OutputFile> beside;
  for (v2::OutputFile& file : *result.mutable_output_files()) {
    ASSIGN_OR_RETURN(const Digest whole, reapi::FromProto(file.digest()));
    if (!file.is_executable() || !IsComparable(whole)) continue;
    ASSIGN_OR_RETURN(std::optional<Difference> difference,
                     DifferenceOf(file.path(), whole, blobs, references, directory));
    if (!difference) continue;
    v2::OutputFile& reference = beside.emplace_back();
    reference.set_path(file.path() + kReferenceSuffix);
    *reference.mutable_digest() = reapi::ToProto(difference->reference);
    reapi::AddProperty(file, kReference, difference->reference.ToString());
    StandIn(file, kDifferenceSuffix, difference->frame, whole);
    differences.push_back(*std::move(difference));
  }
  for (v2::OutputFile& file : beside) *result.add_output_files() = std::move(file);
  return differences;
}

absl::StatusOr<std::vector<Difference>> ReadDifferences(ActionCache::ActionResult& result,
                                                        ProgramReferences& references) {
  std::vector<Difference> differences;
  for (v2::OutputFile& file : *result.mutable_output_files()) {
    if (!file.path().ends_with(kDifferenceSuffix)) {
      const auto whole = reapi::FromProto(file.digest());
      if (file.is_executable() && whole.ok()) references.Note(file.path(), *whole);
      continue;
    }
    ASSIGN_OR_RETURN(const Difference difference, DifferenceIn(file));
    Restore(file, kDifferenceSuffix, difference.whole);
    references.Note(file.path(), difference.reference);
    differences.push_back(difference);
  }
  auto& files = *result.mutable_output_files();
  const auto is_reference = [](const v2::OutputFile& file) { return file.path().ends_with(kReferenceSuffix); };
  files.erase(std::remove_if(files.begin(), files.end(), is_reference), files.end());
  return differences;
}

absl::StatusOr<Bytes> ApplyDifference(const Difference& difference, const Bytes& reference, const Bytes& frame,
                                      const std::string& directory) {
  ASSIGN_OR_RETURN(const Bytes from, InMemory(reference));
  ASSIGN_OR_RETURN(const Bytes text, InMemory(frame));
  ASSIGN_OR_RETURN(const std::string program,
                   ZstdApplyDifference(*from.contents(), *text.contents(), difference.whole.size));
  Spool whole(directory, kHeldBytes, Spool::Digesting::kYes);
  RETURN_IF_ERROR(whole.Append(program));
  return whole.Finish();
}

}  // namespace smelt
