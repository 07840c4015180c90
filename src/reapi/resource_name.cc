#include "src/reapi/resource_name.h"

#include <algorithm>
#include <array>
#include <optional>

#include "fmt/format.h"
#include "src/base/status_macros.h"
#include "src/digest/hasher.h"

namespace smelt::reapi {
namespace {

constexpr std::array<std::string_view, 7> kReserved = {"blobs",      "uploads",      "actions",         "actionResults",
                                                       "operations", "capabilities", "compressed-blobs"};
constexpr std::size_t kShownBytesMax = 100;

// What came in, fit for a message.
std::string Shown(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, kShownBytesMax)) shown += c >= 0x20 && c < 0x7f ? c : '?';
  return text.size() > kShownBytesMax ? shown + "..." : shown;
}

absl::Status Bad(std::string_view what, std::string_view part) {
  return absl::InvalidArgumentError(fmt::format("resource_name: {}: \"{}\"", what, Shown(part)));
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Takes a name apart at its slashes.
class Segments {
 public:
  explicit Segments(std::string_view text) : rest_(text) {}

  // The next one; nothing after the last.
  std::optional<std::string_view> Next() {
    if (ended_) return std::nullopt;
    const std::size_t slash = rest_.find('/');
    const std::string_view segment = rest_.substr(0, slash);
    ended_ = slash == rest_.npos;
    rest_.remove_prefix(ended_ ? rest_.size() : slash + 1);
    return segment;
  }

  bool ended() const { return ended_; }

 private:
  std::string_view rest_;
  bool ended_ = false;
};

// "{function}/" is eaten if it is there. Nothing but SHA-256 is served.
absl::StatusOr<std::string_view> SkipFunction(Segments& segments) {
  std::optional<std::string_view> hash = segments.Next();
  if (hash && *hash == "sha256") hash = segments.Next();
  if (!hash) return Bad("ends before the hash", "");
  return *hash;
}

absl::StatusOr<Digest> ParseDigest(Segments& segments) {
  ASSIGN_OR_RETURN(const std::string_view hash, SkipFunction(segments));
  if (hash.size() != 2 * Digest::kHashBytes) return Bad("neither a SHA-256 hash nor \"sha256\"", hash);
  const std::optional<std::string_view> size = segments.Next();
  if (!size) return Bad("ends before the size", hash);
  const absl::StatusOr<Digest> digest = Digest::Parse(fmt::format("{}/{}", hash, *size));
  if (!digest.ok()) return Bad("not a hash and a size", fmt::format("{}/{}", hash, *size));
  static const Digest kEmpty = DigestOf(std::string_view());
  if (digest->hash == kEmpty.hash && digest->size != 0) return Bad("the empty blob's hash with a size", *size);
  if (digest->hash != kEmpty.hash && digest->size == 0)
    return Bad("size 0 with another hash than the empty blob's", hash);
  return *digest;
}

absl::StatusOr<ResourceName::Compressor> ParseCompressor(std::string_view kind, Segments& segments) {
  if (kind == "blobs") return ResourceName::Compressor::kIdentity;
  const std::optional<std::string_view> compressor = segments.Next();
  if (compressor != "zstd") return Bad("no compressor but zstd is served", compressor.value_or(""));
  return ResourceName::Compressor::kZstd;
}

// Reads up to the first of REAPI's own words and leaves it in `keyword`: what is before it is the instance.
absl::StatusOr<std::string> ParseInstance(std::string_view name, Segments& segments, std::string_view& keyword) {
  const char* const begin = name.data();
  while (const std::optional<std::string_view> segment = segments.Next()) {
    if (std::find(kReserved.begin(), kReserved.end(), *segment) == kReserved.end()) continue;
    keyword = *segment;
    const auto length = static_cast<std::size_t>(segment->data() - begin);
    const std::string_view instance = name.substr(0, length == 0 ? 0 : length - 1);
    if (length == 1) return Bad("begins with a slash", name);
    RETURN_IF_ERROR(CheckInstanceName(instance));
    return std::string(instance);
  }
  return Bad("has none of the words \"blobs\", \"compressed-blobs\" and \"uploads\"", name);
}

absl::StatusOr<ResourceName> ParseBlob(std::string_view kind, Segments& segments) {
  if (kind != "blobs" && kind != "compressed-blobs") return Bad("neither \"blobs\" nor \"compressed-blobs\"", kind);
  ResourceName parsed;
  ASSIGN_OR_RETURN(parsed.compressor, ParseCompressor(kind, segments));
  ASSIGN_OR_RETURN(parsed.digest, ParseDigest(segments));
  return parsed;
}

absl::Status CheckText(std::string_view name) {
  if (name.size() > kResourceNameBytesMax) {
    return Bad(fmt::format("longer than {} bytes", kResourceNameBytesMax), name);
  }
  if (std::any_of(name.begin(), name.end(), IsControl)) return Bad("has control characters", name);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckInstanceName(std::string_view instance) {
  const auto bad = [&](std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("instance_name: {}: \"{}\"", what, Shown(instance)));
  };
  if (instance.empty()) return absl::OkStatus();
  if (instance.size() > kInstanceNameBytesMax) return bad(fmt::format("longer than {} bytes", kInstanceNameBytesMax));
  if (std::any_of(instance.begin(), instance.end(), IsControl)) return bad("has control characters");
  if (instance.find_first_of("%\\") != instance.npos) return bad("has '%' or '\\'");
  Segments segments(instance);
  while (const std::optional<std::string_view> segment = segments.Next()) {
    if (segment->empty()) return bad("has an empty segment");
    if (*segment == "." || *segment == "..") return bad("has a segment \".\" or \"..\"");
    if (std::find(kReserved.begin(), kReserved.end(), *segment) != kReserved.end()) return bad("has a reserved word");
  }
  return absl::OkStatus();
}

absl::StatusOr<ResourceName> ParseReadName(std::string_view name) {
  RETURN_IF_ERROR(CheckText(name));
  Segments segments(name);
  std::string_view keyword;
  ASSIGN_OR_RETURN(std::string instance, ParseInstance(name, segments, keyword));
  ASSIGN_OR_RETURN(ResourceName parsed, ParseBlob(keyword, segments));
  if (!segments.ended()) return Bad("goes on after the size", name);
  parsed.instance = std::move(instance);
  return parsed;
}

absl::StatusOr<ResourceName> ParseWriteName(std::string_view name) {
  RETURN_IF_ERROR(CheckText(name));
  Segments segments(name);
  std::string_view keyword;
  ASSIGN_OR_RETURN(std::string instance, ParseInstance(name, segments, keyword));
  if (keyword != "uploads") return Bad("not \"uploads/{uuid}/...\"", name);
  const std::string_view uuid = segments.Next().value_or("");
  if (uuid.empty() || uuid.size() > kUploadIdBytesMax) return Bad("no upload's uuid", uuid);
  ASSIGN_OR_RETURN(ResourceName parsed, ParseBlob(segments.Next().value_or(""), segments));
  parsed.instance = std::move(instance);
  parsed.uuid = uuid;
  return parsed;
}

std::string Format(const ResourceName& name) {
  const bool zstd = name.compressor == ResourceName::Compressor::kZstd;
  return fmt::format("{}{}{}{}/{}", name.instance, name.instance.empty() ? "" : "/",
                     name.uuid.empty() ? "" : fmt::format("uploads/{}/", name.uuid),
                     zstd ? "compressed-blobs/zstd" : "blobs", name.digest.ToString());
}

}  // namespace smelt::reapi
