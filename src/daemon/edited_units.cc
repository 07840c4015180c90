#include "src/daemon/edited_units.h"

#include <algorithm>

#include "fmt/format.h"

namespace smelt {
namespace {

bool IsOwnSource(const std::string& canonical) {
  return canonical.starts_with("/smelt/workspace/") || canonical.starts_with("/smelt/package/");
}

std::string Identity(const FileStat& stat) { return fmt::format("{} {} {}", stat.inode, stat.size, stat.mtime_ns); }

}  // namespace

EditedUnits::EditedUnits(FileSystem& files, FileDigests& digests, Table& table)
    : files_(files), digests_(digests), table_(table) {}

void EditedUnits::Settled(const std::string& unit, const Closure& closure) {
  std::string sources;
  for (const auto& [path, digest] : closure.files) {
    if (IsOwnSource(path)) sources += fmt::format("{} {}\n", digest.Hex(), path);
  }
  const std::string key = "unit\n" + unit;
  if (table_.Get(key) != sources) table_.Put(key, sources).IgnoreError();
}

bool EditedUnits::IsEdited(const std::string& unit, const rustc::PathMap& paths) {
  const std::string sources = table_.Get("unit\n" + unit).value_or("");
  constexpr std::size_t kHexDigits = 2 * Digest::kHashBytes;
  for (std::size_t at = 0; at + kHexDigits < sources.size();) {
    const std::size_t end = std::min(sources.find('\n', at), sources.size());
    const std::string path = paths.Real(sources.substr(at + kHexDigits + 1, end - at - kHexDigits - 1));
    absl::StatusOr<FileDigest> now = digests_.Of(path);
    if (!now.ok() || now->digest.Hex() != sources.substr(at, kHexDigits)) return true;
    at = end + 1;
  }
  return false;
}

void EditedUnits::MarkPrivate(const std::string& path) {
  absl::StatusOr<FileStat> stat = files_.Stat(path);
  if (stat.ok()) table_.Put("private\n" + path, Identity(*stat)).IgnoreError();
}

bool EditedUnits::IsPrivate(const std::string& path) {
  std::optional<std::string> marked = table_.Get("private\n" + path);
  if (!marked) return false;
  absl::StatusOr<FileStat> stat = files_.Stat(path);
  return stat.ok() && *marked == Identity(*stat);
}

}  // namespace smelt
