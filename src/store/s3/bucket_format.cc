#include "src/store/s3/bucket_format.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/store/s3/object_store.h"
#include "src/store/zstd.h"

namespace smelt {
namespace {

constexpr std::string_view kMagic = "smeltix1";
constexpr int kIndexLevel = 3;
constexpr std::uint32_t kPartBytesMax = 16 << 20;             // of one pack in it, 380'000 payloads
constexpr int kObjectsMax = 2'000'000;                        // named by one index: more is not worth 256 MiB
constexpr std::int64_t kSealedNsMax = std::int64_t{1} << 62;  // in 2116

std::string_view HashOf(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size()};
}

std::string Checksum(std::string_view of) { return std::string(HashOf(DigestOf(of))); }

// A collection deletes what an index names: nothing else may be named.
bool IsKey(std::string_view key) { return key.starts_with(kPacksPrefix) || key.starts_with(kBlobsPrefix); }

bool IsSane(const bucket::v1::Pack& pack) {
  if (!IsKey(pack.key())) return false;
  if (pack.size() < 0 || pack.size() > ObjectStore::kObjectBytesMax) return false;
  if (pack.sealed_ns() < 0 || pack.sealed_ns() > kSealedNsMax) return false;
  return std::all_of(pack.payloads().begin(), pack.payloads().end(), [&](const bucket::v1::Payload& payload) {
    return payload.hash().size() == Digest::kHashBytes && payload.size() >= -1 && payload.offset() >= 0 &&
           payload.stored_size() >= 0 && payload.stored_size() <= pack.size() &&
           payload.offset() <= pack.size() - payload.stored_size();
  });
}

bool IsSane(const bucket::v1::Mark& mark) { return IsKey(mark.key()); }

// A message without anything takes two bytes, and fifty times as much in memory. So each is looked at before the next.
template <typename Part>
bool AddPart(std::string_view text, google::protobuf::RepeatedPtrField<Part>& parts) {
  Part part;
  if (!reapi::ParseBounded(text, part).ok() || !IsSane(part)) return false;
  part.DiscardUnknownFields();
  parts.Add(std::move(part));
  return true;
}

bool ParseParts(std::string_view text, bucket::v1::Index& index) {
  using Index = bucket::v1::Index;
  constexpr auto tag_of = [](int field) { return static_cast<std::uint32_t>(field) << 3 | 2; };  // with a length
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(text.data()),
                                            static_cast<int>(text.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    std::uint32_t bytes = 0;
    if ((tag & 7) != 2 || !in.ReadVarint32(&bytes) || bytes > kPartBytesMax) return false;
    const std::string_view part = text.substr(static_cast<std::size_t>(in.CurrentPosition()), bytes);
    if (!in.Skip(static_cast<int>(bytes))) return false;
    if (index.packs_size() + index.marks_size() >= kObjectsMax) return false;
    if (tag == tag_of(Index::kPacksFieldNumber) && !AddPart(part, *index.mutable_packs())) return false;
    if (tag == tag_of(Index::kMarksFieldNumber) && !AddPart(part, *index.mutable_marks())) return false;
  }
  return in.CurrentPosition() == static_cast<int>(text.size());
}

}  // namespace

std::string IndexKeyAt(std::int64_t now_ns) {
  return fmt::format("{}{:020}", kIndexPrefix, std::max<std::int64_t>(0, now_ns));
}

std::string IndexKey(std::int64_t now_ns, std::string_view writer) {
  return fmt::format("{}-{}", IndexKeyAt(now_ns), writer);
}

std::string PackKey(std::int64_t now_ns, std::string_view writer) {
  return fmt::format("{}{:020}-{}", kPacksPrefix, now_ns, writer);
}

std::string BlobKey(const Digest& digest, std::int64_t now_ns, std::string_view writer) {
  return fmt::format("{}{}-{}.{:020}-{}", kBlobsPrefix, digest.Hex(), digest.size, now_ns, writer);
}

std::int64_t TimeOfIndexKey(std::string_view key) {
  std::int64_t time = 0;
  if (key.starts_with(kIndexPrefix)) key.remove_prefix(kIndexPrefix.size());
  std::from_chars(key.data(), key.data() + key.size(), time);
  return std::max<std::int64_t>(time, 0);
}

std::string EncodeIndex(const bucket::v1::Index& index) {
  std::string bytes(kMagic);
  bytes += ZstdCompress(index.SerializeAsString(), kIndexLevel);
  return bytes + Checksum(bytes);
}

absl::StatusOr<bucket::v1::Index> DecodeIndex(std::string_view bytes) {
  if (bytes.size() < kMagic.size() + Digest::kHashBytes || !bytes.starts_with(kMagic)) {
    return absl::DataLossError("an index in the bucket is cut or none that this version reads");
  }
  const std::string_view checksum = bytes.substr(bytes.size() - Digest::kHashBytes);
  bytes.remove_suffix(Digest::kHashBytes);
  if (Checksum(bytes) != checksum) return absl::DataLossError("an index in the bucket does not have its checksum");
  ASSIGN_OR_RETURN(const std::string text, ZstdDecompress(bytes.substr(kMagic.size()), std::int64_t{kIndexBytesMax}));
  bucket::v1::Index index;
  if (!ParseParts(text, index)) return absl::DataLossError("an index in the bucket says what cannot be");
  return index;
}

Digest ResultName(std::string_view instance, const Digest& action) {
  Digest name = DigestOf(std::string(instance) + "\n" + action.ToString());
  name.size = -1;
  return name;
}

std::string SealResult(const Digest& name, std::string_view result) {
  return Checksum(std::string(HashOf(name)) + std::string(result)) + std::string(result);
}

absl::StatusOr<std::string> OpenResult(const Digest& name, std::string_view payload) {
  if (payload.size() < Digest::kHashBytes) return absl::DataLossError("a result in the bucket is cut");
  const std::string_view result = payload.substr(Digest::kHashBytes);
  if (Checksum(std::string(HashOf(name)) + std::string(result)) != payload.substr(0, Digest::kHashBytes)) {
    return absl::DataLossError("a result in the bucket does not have its checksum");
  }
  return std::string(result);
}

}  // namespace smelt
