#include "src/daemon/team/spliced_results.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/compilers/rustc/rlib.h"
#include "src/daemon/team/stand_in.h"
#include "src/digest/hasher.h"
#include "src/reapi/digests.h"
#include "src/reapi/node_properties.h"
#include "src/store/pieces.h"
#include "src/store/spool.h"

namespace smelt {
namespace {

namespace v2 = build::bazel::remote::execution::v2;

constexpr std::int64_t kMetadataBytesMin = 4 << 10;   // less is not worth it
constexpr std::int64_t kMetadataBytesMax = 64 << 20;  // of what is held in memory to look for it
constexpr char kMetadata[] = "smelt.metadata", kOffset[] = "smelt.offset";

// Where all of `metadata` lies in `whole`.
absl::StatusOr<std::optional<std::int64_t>> OffsetOf(const Bytes& metadata, const Bytes& whole) {
  const auto read = [&](std::int64_t offset, std::int64_t length) { return whole.Read(offset, length); };
  ASSIGN_OR_RETURN(const std::optional<rustc::Extent> member, rustc::MetadataMember(whole.size(), read));
  if (!member || member->length < metadata.size() || member->length > kMetadataBytesMax) return std::nullopt;
  ASSIGN_OR_RETURN(const std::string inside, whole.Read(member->offset, member->length));
  ASSIGN_OR_RETURN(const std::string sought, metadata.ReadAll());
  const std::size_t at = inside.find(sought);
  if (at == inside.npos) return std::nullopt;
  return member->offset + static_cast<std::int64_t>(at);
}

absl::StatusOr<std::optional<Splice>> Divide(const Digest& whole, const Digest& metadata, BlobStore& blobs) {
  if (metadata.size < kMetadataBytesMin || metadata.size > kMetadataBytesMax) return std::nullopt;
  ASSIGN_OR_RETURN(const Bytes rlib, blobs.Get(whole));
  ASSIGN_OR_RETURN(const Bytes rmeta, blobs.Get(metadata));
  ASSIGN_OR_RETURN(const std::optional<std::int64_t> offset, OffsetOf(rmeta, rlib));
  if (!offset) return std::nullopt;
  Splice splice = {.whole = whole, .rest = {}, .metadata = metadata, .offset = *offset};
  Hasher rest, all;
  const auto both = [&](std::string_view piece) {
    rest.Update(piece);
    all.Update(piece);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ForEachPiece(rlib, 0, *offset, both));
  RETURN_IF_ERROR(ForEachPiece(rmeta, [&](std::string_view piece) {
    all.Update(piece);
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(ForEachPiece(rlib, *offset + rmeta.size(), rlib.size(), both));
  if (all.Finish() != whole) return absl::DataLossError(fmt::format("blob {} is corrupt", whole.ToString()));
  splice.rest = rest.Finish();
  return splice;
}

// The output that holds the metadata of the rlib `path`; null if there is none.
const v2::OutputFile* MetadataBeside(std::string_view path, const ActionCache::ActionResult& result) {
  constexpr std::string_view kRlib = ".rlib";
  if (!path.ends_with(kRlib)) return nullptr;
  const std::string wanted = std::string(path.substr(0, path.size() - kRlib.size())) + ".rmeta";
  for (const v2::OutputFile& file : result.output_files()) {
    if (file.path() == wanted) return &file;
  }
  return nullptr;
}

absl::StatusOr<Splice> SpliceIn(const v2::OutputFile& file) {
  Splice splice;
  ASSIGN_OR_RETURN(splice.whole, WholeOf(file));
  ASSIGN_OR_RETURN(splice.metadata, Digest::Parse(reapi::PropertyOf(file, kMetadata)));
  ASSIGN_OR_RETURN(splice.rest, reapi::FromProto(file.digest()));
  const std::string_view offset = reapi::PropertyOf(file, kOffset);
  const auto [end, error] = std::from_chars(offset.data(), offset.data() + offset.size(), splice.offset);
  const bool fits = error == std::errc() && end == offset.data() + offset.size() && splice.offset >= 0 &&
                    splice.offset <= splice.rest.size && splice.whole.size - splice.metadata.size == splice.rest.size;
  if (fits) return splice;
  return absl::InvalidArgumentError(
      fmt::format("{}: node_properties do not fit its {} bytes", file.path(), splice.rest.size));
}

}  // namespace

absl::StatusOr<std::vector<Splice>> TakeSplices(ActionCache::ActionResult& result, BlobStore& blobs) {
  std::vector<Splice> splices;
  for (v2::OutputFile& file : *result.mutable_output_files()) {
    const v2::OutputFile* const beside = MetadataBeside(file.path(), result);
    if (beside == nullptr) continue;
    ASSIGN_OR_RETURN(const Digest whole, reapi::FromProto(file.digest()));
    ASSIGN_OR_RETURN(const Digest metadata, reapi::FromProto(beside->digest()));
    ASSIGN_OR_RETURN(const std::optional<Splice> splice, Divide(whole, metadata, blobs));
    if (!splice) continue;
    reapi::AddProperty(file, kMetadata, metadata.ToString());
    reapi::AddProperty(file, kOffset, std::to_string(splice->offset));
    StandIn(file, kRestSuffix, splice->rest, whole);
    splices.push_back(*splice);
  }
  return splices;
}

absl::StatusOr<std::vector<Splice>> ReadSplices(ActionCache::ActionResult& result) {
  std::vector<Splice> splices;
  for (v2::OutputFile& file : *result.mutable_output_files()) {
    if (!file.path().ends_with(kRestSuffix)) continue;
    ASSIGN_OR_RETURN(const Splice splice, SpliceIn(file));
    Restore(file, kRestSuffix, splice.whole);
    splices.push_back(splice);
  }
  return splices;
}

absl::StatusOr<Bytes> RestOf(const Splice& splice, const Bytes& whole, const std::string& directory) {
  Spool rest(directory, Spool::kMemoryBytes, Spool::Digesting::kYes);
  const auto append = [&](std::string_view piece) { return rest.Append(piece); };
  RETURN_IF_ERROR(ForEachPiece(whole, 0, splice.offset, append));
  RETURN_IF_ERROR(ForEachPiece(whole, splice.offset + splice.metadata.size, whole.size(), append));
  return rest.Finish();
}

}  // namespace smelt
