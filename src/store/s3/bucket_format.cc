#include "src/store/s3/bucket_format.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"
#include "src/reapi/bounded_parse.h"
#include "src/store/s3/object_store.h"
#include "src/store/zstd.h"

namespace smelt {
namespace {

constexpr std::string_view kMagic = "smeltix1";
constexpr int kIndexLevel = 3;
constexpr int kWindowLogMax = 24;                             // level 3 has 21
constexpr std::uint32_t kPartBytesMax = 16 << 20;             // of one pack in it, 380'000 payloads
constexpr std::size_t kKeyBytesMax = 256;                     // ours have 150
constexpr int kObjectsMax = 2'000'000;                        // named by one index: more is not worth 256 MiB
constexpr std::int64_t kSealedNsMax = std::int64_t{1} << 62;  // in 2116

std::string_view HashOf(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size()};
}

std::string Checksum(std::string_view of) { return std::string(HashOf(DigestOf(of))); }

// A collection deletes what an index names: nothing else may be named.
bool IsKey(std::string_view key) {
  return key.size() <= kKeyBytesMax && (key.starts_with(kPacksPrefix) || key.starts_with(kBlobsPrefix));
}

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

absl::Status NotAnIndex() { return absl::DataLossError("an index in the bucket says what cannot be"); }

// Takes an index apart as it is unpacked. A message without anything takes two bytes, and fifty times as much in
// memory: so each part is looked at before the next.
class Parts {
 public:
  explicit Parts(const IndexSink& sink) : sink_(sink) {}

  absl::Status Add(std::string_view piece) {
    text_ += piece;
    std::string_view rest = text_;
    for (;;) {
      std::string_view after = rest;
      std::uint32_t tag = 0, bytes = 0;
      if (!TakeNumber(after, tag) || !TakeNumber(after, bytes)) break;
      if ((tag & 7) != 2 || bytes > kPartBytesMax) return NotAnIndex();  // only what has a length
      if (after.size() < bytes) break;
      RETURN_IF_ERROR(AddPart(static_cast<int>(tag >> 3), after.substr(0, bytes)));
      rest = after.substr(bytes);
    }
    if (rest.size() > kPartBytesMax + kHeadBytesMax) return NotAnIndex();
    text_.erase(0, text_.size() - rest.size());
    return absl::OkStatus();
  }

  absl::Status End() const { return text_.empty() ? absl::OkStatus() : NotAnIndex(); }

 private:
  static constexpr std::size_t kNumberBytesMax = 5;
  static constexpr std::size_t kHeadBytesMax = 2 * kNumberBytesMax;

  // False if it is not all there, or none.
  static bool TakeNumber(std::string_view& text, std::uint32_t& number) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < std::min(text.size(), kNumberBytesMax); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
      if (byte >= 0x80) continue;
      number = static_cast<std::uint32_t>(value);
      text.remove_prefix(i + 1);
      return true;
    }
    return false;
  }

  absl::Status AddPart(int field, std::string_view text) {
    if (objects_ >= kObjectsMax) return NotAnIndex();
    if (field == bucket::v1::Index::kPacksFieldNumber) return Hand(text, pack_, sink_.pack);
    if (field == bucket::v1::Index::kMarksFieldNumber) return Hand(text, mark_, sink_.mark);
    return absl::OkStatus();
  }

  template <typename Part>
  absl::Status Hand(std::string_view text, Part& part, const std::function<absl::Status(Part&)>& sink) {
    ++objects_;
    if (!reapi::ParseBounded(text, part).ok() || !IsSane(part)) return NotAnIndex();
    part.DiscardUnknownFields();
    return sink(part);
  }

  const IndexSink& sink_;
  std::string text_;
  int objects_ = 0;
  bucket::v1::Pack pack_;
  bucket::v1::Mark mark_;
};

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

absl::Status ReadIndex(std::string_view bytes, const IndexSink& sink) {
  if (bytes.size() < kMagic.size() + Digest::kHashBytes || !bytes.starts_with(kMagic)) {
    return absl::DataLossError("an index in the bucket is cut or none that this version reads");
  }
  const std::string_view checksum = bytes.substr(bytes.size() - Digest::kHashBytes);
  bytes.remove_suffix(Digest::kHashBytes);
  if (Checksum(bytes) != checksum) return absl::DataLossError("an index in the bucket does not have its checksum");
  ZstdDecoder decoder(kWindowLogMax);
  decoder.Begin(std::int64_t{kIndexBytesMax});
  Parts parts(sink);
  RETURN_IF_ERROR(decoder.Add(bytes.substr(kMagic.size()), [&](std::string_view piece) { return parts.Add(piece); }));
  RETURN_IF_ERROR(decoder.End());
  return parts.End();
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
